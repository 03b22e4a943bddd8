// What CPython's installation says of itself. The layout gives the prefix and the standard library; the
// standard library has build-details.json (3.14) and the variables of the build; patchlevel.h or the program
// itself has the patch release; the ELF header has the C library. Where two files could disagree, the one
// nearer to the program wins, and no absolute path out of a file is believed: builds are moved
// (python-build-standalone says "/install").

#include "env/interpreter_files.h"

#include <fcntl.h>

#include <vector>

#include "base/file.h"
#include "base/text.h"
#include "env/host_libc.h"
#include "env/paths.h"
#include "env/scheme.h"
#include "env/sysconfig_data.h"

namespace axle {
namespace {

constexpr std::uint64_t max_text_file = 4U << 20;

// "python3.13td": minor "3.13", flags "td". Both "" for "python3" and names of other programs.
struct NameParts {
  std::string minor;
  std::string flags;
};
NameParts parse_name(std::string_view name) {
  NameParts parts;
  if (!name.starts_with("python3.")) return parts;
  name.remove_prefix(6);
  std::size_t end = 2;
  while (end < name.size() && is_digit(name[end])) ++end;
  if (end == 2) return parts;
  for (char c : name.substr(end)) {
    if (c != 't' && c != 'd' && c != 'm' && c != 'u') return parts;
  }
  parts.minor = name.substr(0, end);
  parts.flags = name.substr(end);
  return parts;
}

struct Stdlib {
  std::string path;
  std::string platlibdir;
  std::string minor;
  bool free_threaded = false;
};

std::optional<Stdlib> stdlib_named(const std::string& prefix, const std::string& libdir,
                                   const std::string& name) {
  const NameParts parts = parse_name(name);
  if (parts.minor.empty() || (!parts.flags.empty() && parts.flags != "t")) return std::nullopt;
  const std::string path = path_in(path_in(prefix, libdir), name);
  // The landmark of Modules/getpath.py.
  if (!is_regular_file(path_in(path, "os.py"))) return std::nullopt;
  return Stdlib{path, libdir, parts.minor, parts.flags == "t"};
}

std::optional<Stdlib> find_stdlib(const std::string& prefix, const NameParts& name) {
  for (const char* libdir : {"lib", "lib64"}) {
    if (name.minor.empty()) continue;
    const std::string thread = name.flags.find('t') != std::string::npos ? "t" : "";
    if (auto found = stdlib_named(prefix, libdir, "python" + name.minor + thread)) return found;
  }
  // "python3" as a real file: only one standard library can be meant, or the layout does not tell.
  std::optional<Stdlib> only;
  for (const char* libdir : {"lib", "lib64"}) {
    const std::optional<Fd> dir = try_open_dir(AT_FDCWD, path_in(prefix, libdir));
    if (!dir) continue;
    for (const DirEntry& entry : list_dir(dir->get(), ".")) {
      if (!entry.name.starts_with("python3.")) continue;
      const std::optional<Stdlib> found = stdlib_named(prefix, libdir, entry.name);
      if (!found || (!name.minor.empty() && found->minor != name.minor)) continue;
      if (only && real_path(only->path) != real_path(found->path)) return std::nullopt;
      if (!only) only = found;
    }
  }
  return only;
}

std::optional<SysconfigVars> read_variables(const Stdlib& stdlib, const std::string& flags) {
  const std::optional<Fd> dir = try_open_dir(AT_FDCWD, stdlib.path);
  if (!dir) return std::nullopt;
  const std::string json = "_sysconfig_vars_" + flags + "_";
  const std::string python = "_sysconfigdata_" + flags + "_";
  std::optional<SysconfigVars> vars;
  for (const DirEntry& entry : list_dir(dir->get(), ".")) {
    std::optional<SysconfigVars> read;
    if (entry.name.starts_with(json) && entry.name.ends_with(".json")) {
      read = parse_sysconfig_json(read_file(dir->get(), entry.name, max_text_file));
    } else if (entry.name.starts_with(python) && entry.name.ends_with(".py")) {
      read = parse_sysconfig_data(read_file(dir->get(), entry.name, max_text_file));
    }
    if (!read || read->version != stdlib.minor) continue;
    if (vars && vars->ext_suffix != read->ext_suffix) return std::nullopt;
    if (!vars) vars = std::move(read);
  }
  return vars;
}

std::string read_version(const std::string& prefix, const std::string& executable, const Stdlib& stdlib,
                         const std::string& flags) {
  for (const std::string& suffix : {flags, std::string()}) {
    const std::string header = path_in(prefix, "include/python" + stdlib.minor + suffix + "/patchlevel.h");
    if (const auto text = try_read_file(AT_FDCWD, header, max_text_file)) {
      std::string version = parse_patchlevel(*text);
      if (version.starts_with(stdlib.minor + ".")) return version;
    }
  }
  std::vector<std::string> programs{executable};
  for (const std::string& libdir : {std::string("lib"), stdlib.platlibdir}) {
    programs.push_back(path_in(prefix, libdir + "/libpython" + stdlib.minor + flags + ".so.1.0"));
  }
  for (const std::string& program : programs) {
    if (!is_regular_file(program)) continue;
    const MappedFile file = MappedFile::open(AT_FDCWD, program);
    std::string version = find_version_in_binary(file.bytes(), stdlib.minor);
    if (!version.empty()) return version;
  }
  return {};
}

}  // namespace

std::optional<DescribedInterpreter> read_interpreter_files(const std::string& executable) {
  const std::string prefix = parent_path(parent_path(executable));
  const NameParts name = parse_name(base_name(executable));
  const std::optional<Stdlib> stdlib = find_stdlib(prefix, name);
  if (!stdlib) return std::nullopt;
  std::string flags = name.flags;
  if (stdlib->free_threaded && flags.find('t') == std::string::npos) flags.insert(0, "t");
  const std::optional<SysconfigVars> vars = read_variables(*stdlib, flags);
  if (!vars) return std::nullopt;
  const std::optional<HostPlatform> host = read_host_platform(executable);
  if (!host) return std::nullopt;

  DescribedInterpreter described;
  Interpreter& found = described.interpreter;
  found.found = "sysconfig data";
  found.executable = executable;
  found.base_executable = executable;
  found.implementation = "cpython";
  found.free_threaded = vars->free_threaded || stdlib->free_threaded;
  found.debug = vars->debug;
  found.abi_flags = vars->abi_flags;
  found.ext_suffix = vars->ext_suffix;
  if (const auto text = try_read_file(AT_FDCWD, path_in(stdlib->path, "build-details.json"), max_text_file)) {
    const std::optional<BuildDetails> details = parse_build_details(*text);
    if (details && details->version.starts_with(stdlib->minor + ".")) {
      if (details->implementation != "cpython") return std::nullopt;
      found.version = details->version;
      found.cache_tag = details->cache_tag;
      found.found = "build-details.json, sysconfig data";
    }
  }
  if (found.version.empty()) found.version = read_version(prefix, executable, *stdlib, flags);
  if (found.version.empty()) return std::nullopt;
  found.implementation_version = found.version;
  const PythonMinor minor = python_minor(found.version);
  const std::string digits = std::to_string(minor.major) + std::to_string(minor.minor);
  if (found.cache_tag.empty()) found.cache_tag = "cpython-" + digits;
  found.abi = "cp" + digits + found.abi_flags;

  found.os = Os::linux;
  found.arch = host->arch;
  found.libc = host->libc;
  found.platform = host->tag;
  described.libc_file = host->libc_file;
  found.base_prefix = prefix;
  found.stdlib = stdlib->path;
  found.platlibdir = vars->platlibdir.empty() ? stdlib->platlibdir : vars->platlibdir;
  fill_scheme(found);
  if (prefix == "/usr") {
    for (const char* source : {"sysconfig.py", "sysconfig/__init__.py"}) {
      if (const auto text = try_read_file(AT_FDCWD, path_in(stdlib->path, source), max_text_file)) {
        apply_distro_scheme(found, distro_scheme_of(*text));
      }
    }
  }
  return described;
}

}  // namespace axle
