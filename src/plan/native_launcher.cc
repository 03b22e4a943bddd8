// The configuration lies in memory when the launcher starts, because it is made a part of the program's only
// segment: it is appended to the segment's bytes, and the sizes in the program header grow by its size.

#include "plan/native_launcher.h"

#include <array>
#include <cstdint>

#include "axle/base/error.h"
#include "base/text.h"
#include "plan/launcher_stubs.h"
#include "plan/launcher_zip.h"

namespace axle {
namespace {

constexpr std::string_view magic = "axlelnch";
constexpr std::uint32_t format_version = 1;
constexpr std::size_t head_size = 16;
constexpr std::size_t max_config = 65536;

// spec: ELF-64 object file format: offsets in the file header and in a program header.
constexpr std::size_t elf_header_size = 64, at_phoff = 32, at_shoff = 40, at_phnum = 56, at_shentsize = 58;
constexpr std::size_t phdr_size = 56, at_filesz = 32, at_memsz = 40;
constexpr std::uint32_t pt_load = 1;

std::uint64_t number(std::string_view bytes, std::size_t at, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i) {
    value |= std::uint64_t{static_cast<unsigned char>(bytes[at + i])} << (8 * i);
  }
  return value;
}

void put(std::string& bytes, std::size_t at, std::uint64_t value, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) bytes[at + i] = static_cast<char>((value >> (8 * i)) & 0xFFU);
}

// Where the header of the segment is that begins with the file; 0 for what is no program of that kind.
std::size_t find_segment(std::string_view bytes) noexcept {
  if (bytes.size() < elf_header_size || !bytes.starts_with("\x7f"
                                                           "ELF\x02\x01")) {
    return 0;
  }
  const std::uint64_t first = number(bytes, at_phoff, 8);
  const std::uint64_t count = number(bytes, at_phnum, 2);
  if (first < elf_header_size || count == 0 || count > 8 || first > 4096 ||
      bytes.size() < first + count * phdr_size) {
    return 0;
  }
  const auto at = static_cast<std::size_t>(first);
  if (number(bytes, at, 4) != pt_load || number(bytes, at + 8, 8) != 0) return 0;
  return at;
}

void add_record(std::string& out, std::string_view key, std::string_view value) {
  if (value.find('\0') != std::string_view::npos) {
    throw Error(ErrorCode::usage, "a launcher's " + std::string(key) + " holds a NUL byte");
  }
  out.append(key);
  out += '=';
  out.append(value);
  out += '\0';
}

std::string_view key_of(ArgumentKind kind) noexcept {
  switch (kind) {
    case ArgumentKind::text:
      return "arg";
    case ArgumentKind::path:
      return "path";
    case ArgumentKind::self:
      break;
  }
  return "self";
}

std::string_view key_of(EnvironmentChange::Kind kind) noexcept {
  switch (kind) {
    case EnvironmentChange::Kind::set:
      return "set";
    case EnvironmentChange::Kind::set_default:
      return "default";
    case EnvironmentChange::Kind::unset:
      break;
  }
  return "unset";
}

std::optional<Stub> stub_for(Os os, std::string_view arch) noexcept {
  if (os != Os::linux) return std::nullopt;
  if (arch == "x86_64") return Stub::linux_x86_64;
  if (arch == "aarch64") return Stub::linux_aarch64;
  return std::nullopt;
}

// False for a record that this version does not know.
bool read_record(std::string_view record, LauncherConfig& config) {
  const std::size_t equals = record.find('=');
  if (equals == std::string_view::npos) return false;
  const std::string_view key = record.substr(0, equals);
  const std::string value(record.substr(equals + 1));
  for (const ArgumentKind kind : {ArgumentKind::text, ArgumentKind::path, ArgumentKind::self}) {
    if (key != key_of(kind)) continue;
    config.arguments.push_back({kind, value});
    return true;
  }
  using Kind = EnvironmentChange::Kind;
  for (const Kind kind : {Kind::set, Kind::set_default, Kind::unset}) {
    if (key != key_of(kind)) continue;
    const std::size_t end = kind == Kind::unset ? value.size() : value.find('=');
    if (end == std::string::npos) return false;
    config.environment.push_back(
        {kind, value.substr(0, end), kind == Kind::unset ? "" : value.substr(end + 1)});
    return true;
  }
  if (key == "interpreter") {
    config.interpreters.push_back(value);
  } else if (key == "argv0") {
    config.argv0 = value;
  } else {
    return false;
  }
  return true;
}

}  // namespace

std::string render_launcher_config(const LauncherConfig& config) {
  if (config.interpreters.empty()) throw Error(ErrorCode::usage, "a launcher names no interpreter");
  std::string out(magic);
  out.resize(head_size);
  for (const std::string& path : config.interpreters) {
    if (path.empty()) throw Error(ErrorCode::usage, "a launcher's interpreter is an empty path");
    add_record(out, "interpreter", path);
  }
  if (!config.argv0.empty()) add_record(out, "argv0", config.argv0);
  for (const EnvironmentChange& change : config.environment) {
    if (change.name.empty() || change.name.find('=') != std::string::npos) {
      throw Error(ErrorCode::usage, quoted(change.name) + " is no name of an environment variable");
    }
    const bool unset = change.kind == EnvironmentChange::Kind::unset;
    add_record(out, key_of(change.kind), unset ? change.name : change.name + "=" + change.value);
  }
  for (const LauncherArgument& argument : config.arguments) {
    add_record(out, key_of(argument.kind), argument.value);
  }
  if (out.size() > max_config) {
    throw Error(ErrorCode::usage, "the configuration of a launcher is larger than 64 KiB",
                "give fewer or shorter flags and variables");
  }
  put(out, 8, format_version, 4);
  put(out, 12, out.size(), 4);
  return out;
}

std::string render_native_entry_point(std::string_view arch, std::string_view interpreter,
                                      const EntryPointCall& call, const LauncherPolicy& policy) {
  LauncherConfig config;
  config.interpreters = {std::string(interpreter)};
  for (const std::string& flag : policy.flags) config.arguments.push_back({ArgumentKind::text, flag});
  config.arguments.push_back({ArgumentKind::text, "-c"});
  config.arguments.push_back({ArgumentKind::text, render_entry_point_code(call)});
  config.arguments.push_back({ArgumentKind::self, ""});
  config.environment = policy.environment;
  return render_native_launcher(arch, config, render_entry_point_main(call));
}

bool has_native_launcher(Os os, std::string_view arch) noexcept {
  const auto stub = stub_for(os, arch);
  return stub && !launcher_stub(*stub).empty();
}

void require_native_launcher(Os os, std::string_view arch) {
  const auto stub = stub_for(os, arch);
  if (!stub) {
    throw Error(ErrorCode::unsupported,
                "there is no native launcher for " + std::string(to_string(os)) + " on " + std::string(arch),
                "native launchers are for Linux on x86_64 and aarch64; use --launcher script or sh");
  }
  if (launcher_stub(*stub).empty()) {
    throw Error(ErrorCode::unsupported,
                "this build of axle holds no native launcher for Linux on " + std::string(arch),
                "build axle with gcc-" + std::string(arch == "x86_64" ? "x86-64" : arch) +
                    "-linux-gnu, or with clang and lld, installed");
  }
}

std::string render_native_launcher(std::string_view arch, const LauncherConfig& config,
                                   std::string_view main_py) {
  require_native_launcher(Os::linux, arch);
  const std::string_view stub = launcher_stub(*stub_for(Os::linux, arch));
  const std::size_t segment = find_segment(stub);
  const std::size_t size = segment == 0 ? 0 : number(stub, segment + at_filesz, 8);
  if (size < elf_header_size || size > stub.size()) throw Error(ErrorCode::unsupported, "broken launcher");
  // What follows the segment are names of sections, which nobody needs.
  std::string bytes(stub.substr(0, size));
  put(bytes, at_shoff, 0, 8);
  put(bytes, at_shentsize, 0, 6);  // and the number of sections, and the index of their names
  bytes += render_launcher_config(config);
  put(bytes, segment + at_filesz, bytes.size(), 8);
  put(bytes, segment + at_memsz, bytes.size(), 8);
  if (!main_py.empty()) bytes += render_main_zip(main_py);
  return bytes;
}

std::size_t native_launcher_size(std::string_view head) noexcept {
  const std::size_t segment = find_segment(head);
  if (segment == 0) return 0;
  const std::uint64_t size = number(head, segment + at_filesz, 8);
  constexpr std::uint64_t largest = max_config + (64U << 10);
  return size > elf_header_size && size <= largest ? static_cast<std::size_t>(size) : 0;
}

std::optional<LauncherConfig> parse_native_launcher(std::string_view bytes) {
  const std::size_t size = native_launcher_size(bytes);
  if (size == 0 || bytes.size() < size) return std::nullopt;
  // The program holds the magic too, where it looks for it: the block is the one that ends where all ends.
  bytes = bytes.substr(0, size);
  std::size_t at = bytes.find(magic);
  while (at != std::string_view::npos && size - at > head_size && number(bytes, at + 12, 4) != size - at) {
    at = bytes.find(magic, at + 1);
  }
  if (at == std::string_view::npos || size - at <= head_size) return std::nullopt;
  std::string_view block = bytes.substr(at);
  if (number(block, 8, 4) != format_version || block.back() != '\0') return std::nullopt;
  LauncherConfig config;
  for (block.remove_prefix(head_size); !block.empty();) {
    const std::size_t end = block.find('\0');
    if (!read_record(block.substr(0, end), config)) return std::nullopt;
    block.remove_prefix(end + 1);
  }
  if (config.interpreters.empty()) return std::nullopt;
  return config;
}

}  // namespace axle
