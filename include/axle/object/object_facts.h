#pragma once
// What a native object (ELF, Mach-O, PE) is and needs, read from a few small ranges of the file and never
// from the whole of it. Nothing an object says is trusted: every offset and length is checked, every loop is
// bounded. spec: System V ABI chapters 4 and 5 (ELF), <mach-o/loader.h>, Microsoft "PE Format".

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace axle {

struct ObjectFacts {
  enum class Format { elf, macho, pe };
  enum class Kind {
    shared_library,     // ELF ET_DYN, Mach-O dylib or bundle, DLL
    executable,         // started through `interpreter` (ELF), dyld or Windows
    static_executable,  // ELF only: no interpreter, static PIE included
    other,              // relocatable, core, dSYM, ...: nothing loads it
  };

  Format format = Format::elf;
  Kind kind = Kind::other;
  // As the wheel tags and `uname -m` have it: "x86_64", "i686", "aarch64", "armv7l", "ppc64le", "ppc64",
  // "s390x", "riscv64", "loongarch64", ...; "arm64" for Mach-O and PE as their own tools say;
  // "machine-<number>" when unknown.
  std::string machine;
  int bits = 0;  // 32 or 64
  bool big_endian = false;
  // ELF: DT_SONAME; Mach-O: the install name (LC_ID_DYLIB); PE: the name in its export table. "" when it has
  // none.
  std::string soname;
  std::string interpreter;          // ELF PT_INTERP, else ""
  std::vector<std::string> needed;  // in file order; ELF DT_NEEDED, LC_LOAD_DYLIB and reexports, PE imports
  std::vector<std::string> weak_needed;   // absent is fine: LC_LOAD_WEAK_DYLIB, ELF DT_AUXILIARY
  std::vector<std::string> delay_needed;  // PE delay imports, LC_LAZY_LOAD_DYLIB
  std::optional<std::string> rpath;       // ELF DT_RPATH, as written (entries between colons)
  std::optional<std::string> runpath;     // ELF DT_RUNPATH; where it is present the loader ignores rpath
  std::vector<std::string> rpaths;        // Mach-O LC_RPATH
  // ELF symbol versions needed, "libc.so.6:GLIBC_2.17", sorted and unique.
  std::vector<std::string> version_needs;
  bool no_default_libs = false;  // ELF DF_1_NODEFLIB: only its own paths are searched
  std::string minimum_os;        // Mach-O: "11.0" from LC_BUILD_VERSION or LC_VERSION_MIN_*, else ""
  // Mach-O fat files: the machines of all slices. The facts above are those of the first slice; needs and
  // rpaths of the others are merged in.
  std::vector<std::string> slices;
  // Not empty: what is wrong with the file. The fields above then hold what could still be read.
  std::string error;

  friend bool operator==(const ObjectFacts&, const ObjectFacts&) = default;
};

// Reads exactly `size` bytes at `offset`; false when they are not there. May throw what its owner throws.
using ReadAt = std::function<bool(std::uint64_t offset, char* into, std::size_t size)>;

// True when a file that begins with these bytes (8 are enough, more are fine) can be an object: it has the
// magic of ELF, Mach-O (thin or fat, told from Java classes) or MZ. read_object decides.
bool looks_like_object(std::string_view first_bytes) noexcept;

// Facts of the object of `size` bytes behind `read`; nullopt when it is none (an MZ file without PE header is
// none). A damaged object gives facts with `error` set. Throws only what `read` throws. Thread-safe. At most
// some tens of small reads, and memory that is bounded whatever the file says.
std::optional<ObjectFacts> read_object(const ReadAt& read, std::uint64_t size);
// The same of bytes in memory.
std::optional<ObjectFacts> read_object(std::string_view content);
// The same of an open file, by pread. Throws Error(io), with `name` in it, when the system does not let it be
// read.
std::optional<ObjectFacts> read_object_file(int fd, std::string_view name);

// "elf", "macho", "pe"; "shared-library", "executable", "static-executable", "other".
std::string_view to_string(ObjectFacts::Format format) noexcept;
std::string_view to_string(ObjectFacts::Kind kind) noexcept;

}  // namespace axle
