#include "env/host_libc.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

#include "base/file.h"
#include "base/text.h"
#include "env/paths.h"

namespace axle {
namespace {

// Reads numbers of the file's byte order; every read is bounds-checked and gives 0 past the end.
class Reader {
 public:
  Reader(std::string_view bytes, bool big_endian) : bytes_(bytes), big_endian_(big_endian) {}

  std::uint64_t number(std::uint64_t offset, unsigned size) const noexcept {
    if (offset > bytes_.size() || bytes_.size() - offset < size) return 0;
    std::uint64_t value = 0;
    for (unsigned i = 0; i < size; ++i) {
      const unsigned at = big_endian_ ? i : size - 1 - i;
      value = (value << 8) | static_cast<unsigned char>(bytes_[static_cast<std::size_t>(offset) + at]);
    }
    return value;
  }

 private:
  std::string_view bytes_;
  bool big_endian_;
};

// spec: "Platform compatibility tags": what os.uname().machine says on such a machine.
std::string arch_of(std::uint64_t machine, bool wide, bool big_endian, std::uint64_t flags) {
  constexpr std::uint64_t machine_loongarch = 258;
  constexpr std::uint64_t arm_abi_mask = 0xFF000000;
  constexpr std::uint64_t arm_abi_5 = 0x05000000;
  constexpr std::uint64_t arm_hard_float = 0x00000400;
  switch (machine) {
    case EM_X86_64:
      return wide ? "x86_64" : "";
    case EM_386:
      return "i686";
    case EM_AARCH64:
      return "aarch64";
    case EM_ARM:
      return (flags & arm_abi_mask) == arm_abi_5 && (flags & arm_hard_float) != 0 ? "armv7l" : "armv6l";
    case EM_PPC64:
      return big_endian ? "ppc64" : "ppc64le";
    case EM_S390:
      return wide ? "s390x" : "s390";
    case EM_RISCV:
      return wide ? "riscv64" : "riscv32";
    case machine_loongarch:
      return "loongarch64";
    default:
      return "";
  }
}

// The digits and dots at the beginning of `text`.
std::string_view leading_version(std::string_view text) {
  std::size_t end = 0;
  while (end < text.size() && end < 16 && (is_digit(text[end]) || text[end] == '.')) ++end;
  text = text.substr(0, end);
  while (text.ends_with('.')) text.remove_suffix(1);
  return text;
}

// "2_36" of "2.36" or "2.36.1"; "" when it is no such version.
std::string two_numbers(std::string_view version) {
  const std::vector<std::string_view> parts = split(version, '.');
  if (parts.size() < 2 || parts[0].empty() || parts[1].empty()) return {};
  return std::string(parts[0]) + "_" + std::string(parts[1]);
}

std::string find_glibc(const std::string& loader) {
  std::vector<std::string> places;
  // The loader's real directory has the libc of the same root; distributions that keep them apart follow.
  if (const std::optional<std::string> real = real_path(loader)) places.push_back(parent_path(*real));
  places.push_back(parent_path(loader));
  for (const std::string& place : places) {
    std::string file = path_in(place, "libc.so.6");
    if (is_regular_file(file)) return file;
  }
  return {};
}

}  // namespace

std::optional<ProgramHeader> parse_program_header(std::string_view bytes) {
  if (bytes.size() < 52 || !bytes.starts_with("\x7F"
                                              "ELF")) {
    return std::nullopt;
  }
  const bool wide = bytes[EI_CLASS] == ELFCLASS64;
  const bool big_endian = bytes[EI_DATA] == ELFDATA2MSB;
  const Reader reader(bytes, big_endian);
  const std::uint64_t type = reader.number(16, 2);
  if (type != ET_EXEC && type != ET_DYN) return std::nullopt;

  ProgramHeader header;
  header.arch = arch_of(reader.number(18, 2), wide, big_endian, reader.number(wide ? 48 : 36, 4));
  const std::uint64_t table = wide ? reader.number(32, 8) : reader.number(28, 4);
  const std::uint64_t entry_size = reader.number(wide ? 54 : 42, 2);
  const std::uint64_t count = reader.number(wide ? 56 : 44, 2);
  if (entry_size < (wide ? 56U : 32U) || table > bytes.size()) return header;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t entry = table + i * entry_size;
    if (entry >= bytes.size()) break;
    if (reader.number(entry, 4) != PT_INTERP) continue;
    const std::uint64_t offset = wide ? reader.number(entry + 8, 8) : reader.number(entry + 4, 4);
    const std::uint64_t size = wide ? reader.number(entry + 32, 8) : reader.number(entry + 16, 4);
    if (offset >= bytes.size() || size > 4096 || size > bytes.size() - offset) break;
    std::string_view loader = bytes.substr(static_cast<std::size_t>(offset), static_cast<std::size_t>(size));
    header.loader = loader.substr(0, loader.find('\0'));
    break;
  }
  return header;
}

std::string glibc_version_in(std::string_view libc_bytes) {
  constexpr std::string_view banner = "GNU C Library ";
  for (std::size_t at = libc_bytes.find(banner); at != std::string_view::npos;
       at = libc_bytes.find(banner, at + 1)) {
    constexpr std::string_view word = "release version ";
    const std::string_view line = libc_bytes.substr(at, 200);
    const std::size_t found = line.find(word);
    if (found == std::string_view::npos) continue;
    if (const std::string_view version = leading_version(line.substr(found + word.size()));
        version.find('.') != std::string_view::npos) {
      return std::string(version);
    }
  }
  // A release that added no symbol has no definition of its own, so this is a lower bound.
  constexpr std::string_view definition = "GLIBC_2.";
  int newest = 0;
  for (std::size_t at = libc_bytes.find(definition); at != std::string_view::npos;
       at = libc_bytes.find(definition, at + 1)) {
    const std::string_view digits = libc_bytes.substr(at + definition.size(), 4);
    int minor = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), minor);
    if (minor < 1000) newest = std::max(newest, minor);
  }
  return newest == 0 ? std::string() : "2." + std::to_string(newest);
}

std::string musl_version_in(std::string_view loader_bytes) {
  // The version is a constant of its own, "1.2.3" between two NULs; nothing else in musl looks like it.
  std::string best;
  for (std::size_t at = loader_bytes.find("\0001.", 0, 3); at != std::string_view::npos;
       at = loader_bytes.find("\0001.", at + 1, 3)) {
    const std::string_view rest = loader_bytes.substr(at + 1, 16);
    const std::string_view text = rest.substr(0, rest.find('\0'));
    if (leading_version(text) != text || split(text, '.').size() != 3) continue;
    if (!best.empty() && best != text) return {};
    best = text;
  }
  return best;
}

std::optional<HostPlatform> read_host_platform(const std::string& program) {
  const MappedFile file = MappedFile::open(AT_FDCWD, program);
  const std::optional<ProgramHeader> header = parse_program_header(file.bytes());
  if (!header || header->arch.empty()) return std::nullopt;
  HostPlatform host;
  host.arch = header->arch;
  host.tag = "linux_" + header->arch;
  const std::string_view loader = base_name(header->loader);
  if (loader.starts_with("ld-musl-")) {
    host.libc = Libc::musl;
    host.libc_file = header->loader;
    const std::optional<MappedFile> musl = MappedFile::try_open(AT_FDCWD, header->loader);
    // musllinux_1_1 is what every musl that still occurs can load.
    std::string version = musl ? two_numbers(musl_version_in(musl->bytes())) : std::string();
    if (version.empty()) version = "1_1";
    host.tag = "musllinux_" + version + "_" + header->arch;
  } else if (loader.starts_with("ld-") || loader.starts_with("ld64")) {
    host.libc = Libc::glibc;
    host.libc_file = find_glibc(header->loader);
    if (host.libc_file.empty()) return host;
    const MappedFile libc = MappedFile::open(AT_FDCWD, host.libc_file);
    const std::string version = two_numbers(glibc_version_in(libc.bytes()));
    // manylinux asks for the hard-float ABI on 32-bit ARM. spec: PEP 600.
    if (!version.empty() && header->arch != "armv6l") host.tag = "manylinux_" + version + "_" + header->arch;
  }
  return host;
}

std::string host_platform() {
  for (const char* program : {"/bin/sh", "/usr/bin/env", "/proc/self/exe"}) {
    if (!is_regular_file(program)) continue;
    if (const std::optional<HostPlatform> host = read_host_platform(program)) return host->tag;
  }
  utsname system{};
  if (::uname(&system) != 0) throw_errno("ask for the name of", "this system");
  return "linux_" + std::string(system.machine);
}

}  // namespace axle
