#pragma once
// WheelFacts: everything that opening, verifying and inspecting a wheel found out, as an immutable view of
// one buffer of bytes (docs/store-format.md). Opening reads only the table at its front, so that facts of
// 100,000 files open in microseconds from a mapped file. No byte is trusted: every access checks its bounds
// and throws Error(bad_input) on damage. Cheap to copy (it shares the buffer); thread-safe.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "axle/base/digest.h"
#include "axle/base/rel_path.h"
#include "axle/wheel/entry_points.h"
#include "axle/wheel/python_stub.h"
#include "axle/wheel/scheme.h"

namespace axle {

struct ObjectFacts;  // axle/object/object_facts.h
struct FactsHead;    // the file's fixed part

// A text inside the facts' buffer; WheelFacts::text() reads it.
struct TextRef {
  std::uint32_t offset = 0;
  std::uint32_t size = 0;
};

// What a directory of purelib or platlib is to Python's import, as far as this wheel alone tells.
enum class NamespaceKind : std::uint8_t {
  not_package,    // nothing importable below it, no name that can be imported, or not under a lib scheme
  regular,        // has an __init__ (an empty one too)
  pep420,         // importable content below it and no __init__
  pkgutil,        // its __init__ extends its path
  pkg_resources,  // its __init__ declares a namespace
};
std::string_view to_string(NamespaceKind kind) noexcept;

namespace dir_flag {  // anywhere below the directory
inline constexpr std::uint8_t native = 1;
inline constexpr std::uint8_t executable = 2;
inline constexpr std::uint8_t pyc = 4;
inline constexpr std::uint8_t python = 8;
// A native object below it looks for libraries relative to itself ($ORIGIN/.., @loader_path/..) outside of
// this directory.
inline constexpr std::uint8_t reaches_out = 16;
inline constexpr std::uint8_t startup = 32;
}  // namespace dir_flag

namespace file_flag {
inline constexpr std::uint16_t executable = 1;  // an x bit in the archive, or a script
inline constexpr std::uint16_t native = 2;      // ELF, Mach-O or PE by its content
inline constexpr std::uint16_t startup = 4;     // at a lib root: *.pth, *.start, sitecustomize, usercustomize
inline constexpr std::uint16_t script_python = 8;  // in scripts: begins with "#!python" (or "#!pythonw")
inline constexpr std::uint16_t pyc = 16;
inline constexpr std::uint16_t python = 32;     // *.py
inline constexpr std::uint16_t dist_info = 64;  // in the wheel's own dist-info
inline constexpr std::uint16_t init = 128;      // __init__.py
}  // namespace file_flag

// One directory. Directories stand in pre-order, siblings by name; a scheme's root has the empty name and
// itself as parent. Everything below a directory is contiguous in both arrays. Trivially copyable, written as
// it is.
struct DirFact {
  TextRef name;
  std::uint32_t parent = 0;
  std::uint32_t dir_end = 0;     // the directories below it are [own index + 1, dir_end)
  std::uint32_t first_file = 0;  // the files below it are [first_file, file_end),
  std::uint32_t file_count = 0;  // of which the first file_count are directly in it, by name
  std::uint32_t file_end = 0;
  Scheme scheme = Scheme::purelib;
  NamespaceKind kind = NamespaceKind::not_package;
  std::uint8_t flags = 0;
  std::uint8_t reserved = 0;
  std::uint64_t subtree_bytes = 0;
  // Equal for equal trees: over names, executable bits and digests of all below it.
  Sha256 tree_digest;

  std::uint32_t subtree_files() const noexcept { return file_end - first_file; }
  bool has(std::uint8_t flag) const noexcept { return (flags & flag) != 0; }
};

struct FileFact {
  TextRef name;
  std::uint32_t dir = 0;
  std::uint16_t flags = 0;
  std::uint16_t reserved = 0;
  std::uint64_t size = 0;
  std::int64_t mtime = 0;  // seconds since 1970
  Sha256 sha256;

  bool has(std::uint16_t flag) const noexcept { return (flags & flag) != 0; }
};

// Something in RECORD that does not hold. The store remembers what was found, never that somebody accepted
// it.
struct RecordFault {
  std::string path;  // as RECORD or the archive names it
  std::string what;  // "digest differs", "is not listed", ...

  friend bool operator==(const RecordFault&, const RecordFault&) = default;
};

struct StartupFile {
  std::uint32_t file = 0;
  std::string_view text;   // at most 64 KiB
  bool truncated = false;  // the file is longer
};

// An __init__.py whose meaning can be shared: empty, pkgutil or pkg_resources. Trivially copyable.
struct InitFact {
  std::uint32_t file = 0;
  InitKind kind = InitKind::empty;
  std::uint8_t reserved[3] = {};
  Sha256 token_digest;
};

class WheelFacts {
 public:
  // `bytes` must live as long as `owner`. Throws Error(bad_input) naming `name` when the table at the front
  // is damaged or is of another format version. A buffer that is not aligned to 8 bytes is copied.
  static WheelFacts open(std::shared_ptr<const void> owner, std::string_view bytes, std::string_view name);
  static WheelFacts open(std::string bytes, std::string_view name);
  // No wheel: everything empty or zero.
  WheelFacts() = default;

  // What to write into the facts file.
  std::string_view bytes() const noexcept { return bytes_; }

  // The archive.
  Sha256 wheel_sha256() const;
  // What its files are called in a store: the archive's digest; with byte-code another one, for each
  // interpreter.
  Sha256 store_id() const;
  // "cpython-311 3.11.2" when the tree holds byte-code that axle made for that interpreter; "" else.
  std::string_view byte_code() const;
  std::uint64_t archive_size() const;
  std::string_view file_name() const;

  // METADATA and WHEEL.
  std::string_view name() const;        // as METADATA writes it
  std::string_view normalized() const;  // normalized name
  std::string_view version() const;     // as METADATA writes it
  std::optional<std::string_view> requires_python() const;
  std::vector<std::string_view> requires_dist() const;
  std::vector<std::string_view> provides_extra() const;
  std::string_view summary() const;
  std::string_view license() const;             // the free text
  std::string_view license_expression() const;  // SPDX
  std::vector<std::string_view> license_classifiers() const;
  std::vector<std::string_view> license_files() const;
  std::vector<std::string_view> import_names() const;       // metadata 2.5
  std::vector<std::string_view> import_namespaces() const;  // metadata 2.5
  std::vector<std::string_view> project_urls() const;
  std::string_view author() const;
  bool root_is_purelib() const;
  Scheme root_scheme() const { return root_is_purelib() ? Scheme::purelib : Scheme::platlib; }
  std::vector<std::string_view> tags() const;  // WHEEL's
  std::string_view dist_info() const;          // "demo-1.0.dist-info", in root_scheme()

  // What verification found.
  bool record_ok() const { return record_fault_count() == 0; }
  std::size_t record_fault_count() const;
  std::vector<RecordFault> record_faults() const;  // by path
  std::vector<std::string_view> warnings() const;

  // The tree.
  std::span<const DirFact> dirs() const noexcept { return dirs_; }
  std::span<const FileFact> files() const noexcept { return files_; }
  const DirFact& dir(std::uint32_t index) const;
  const FileFact& file(std::uint32_t index) const;
  std::span<const FileFact> files_in(const DirFact& dir) const;     // directly
  std::span<const FileFact> files_below(const DirFact& dir) const;  // all
  std::vector<std::uint32_t> child_dirs(std::uint32_t dir) const;
  std::optional<std::uint32_t> root(Scheme scheme) const;  // nullopt: the wheel has nothing there
  std::uint32_t index_of(const FileFact& file) const noexcept {
    return static_cast<std::uint32_t>(&file - files_.data());
  }
  Scheme scheme_of(const FileFact& file) const { return dir(file.dir).scheme; }

  std::string_view text(TextRef ref) const;
  // One component, never "", "." or "..", without '/' and NUL; "" only for a scheme's root.
  std::string_view name(const DirFact& dir) const;
  std::string_view name(const FileFact& file) const;
  // Below the scheme's root; "" for the root itself.
  std::string dir_path(std::uint32_t dir) const;
  std::string path_of(std::uint32_t file) const;
  // The same, after what `out` holds; one call per file allocates nothing when `out` has room.
  void append_path(std::string& out, const FileFact& file) const;
  std::optional<std::uint32_t> find(Scheme scheme, std::string_view path) const;      // a file
  std::optional<std::uint32_t> find_dir(Scheme scheme, std::string_view path) const;  // "" is the root

  // Rows of RECORD for all files of purelib and platlib, "path,sha256=...,size\n" each, paths relative to
  // site-packages, sorted by bytes, each path once. For layouts where purelib and platlib are one directory,
  // or wheels that have only one of them.
  std::string_view record_part() const;

  std::vector<EntryPoint> entry_points() const;  // in the file's order
  std::size_t startup_count() const noexcept;
  StartupFile startup(std::size_t index) const;                        // by file index
  std::span<const InitFact> inits() const noexcept { return inits_; }  // by file index
  const InitFact* init_of(std::uint32_t file) const noexcept;          // nullptr: a regular one, or none
  // Names that can be imported at the top level ("demo", "_demo"), sorted.
  std::vector<std::string_view> import_roots() const;

  // Native objects: those files with file_flag::native that could be read, by file index.
  std::size_t object_count() const noexcept;
  std::uint32_t object_file(std::size_t index) const;
  ObjectFacts object(std::size_t index) const;  // decodes; needs axle/object/object_facts.h
  std::optional<std::size_t> object_of(std::uint32_t file) const;

 private:
  const FactsHead& head() const;
  std::string_view section(unsigned id) const noexcept;
  std::vector<std::string_view> list(unsigned id) const;
  template <class Record>
  std::span<const Record> records(unsigned id) const noexcept;

  std::shared_ptr<const void> owner_;
  std::string_view bytes_;
  std::span<const DirFact> dirs_;
  std::span<const FileFact> files_;
  std::span<const InitFact> inits_;
};

}  // namespace axle
