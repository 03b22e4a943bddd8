#include "cli/existing.h"

#include <dirent.h>
#include <fcntl.h>

#include "axle/base/error.h"
#include "axle/object/object_facts.h"
#include "base/file.h"
#include "base/text.h"
#include "exec/environment.h"

namespace axle::cli {
namespace {

void require_environment(const Place& place) {
  if (place.kind == LayoutKind::system) return;
  if (!try_open_dir(AT_FDCWD, place.physical)) {
    throw Error(ErrorCode::io, axle::Place{place.physical}, "there is no such directory",
                "name an environment (--venv), or a directory that axle filled (--target, --prefix)");
  }
  if (place.kind == LayoutKind::venv && !is_environment(place)) {
    throw Error(ErrorCode::io, axle::Place{place.physical}, "is no environment: it has no pyvenv.cfg",
                "name an environment (--venv), or a directory that axle filled (--target, --prefix)");
  }
}

// "3.11" of lib/python3.11, "" when there is no such directory.
std::string version_of_lib(const std::string& root) {
  constexpr std::string_view prefix = "python";
  const auto lib = try_open_dir(AT_FDCWD, root + "/lib");
  if (!lib) return {};
  for (const DirEntry& entry : list_dir(lib->get(), ".")) {
    if (entry.name.starts_with(prefix) && try_open_dir(lib->get(), entry.name + "/site-packages")) {
      return entry.name.substr(prefix.size());
    }
  }
  return {};
}

// "3.11.2" of "3.11.2", or of "3.11.2.final.0" as uv and virtualenv write it.
std::string release_of(const std::string& version) {
  const std::vector<std::string_view> parts = split(version, '.');
  if (parts.size() <= 3) return version;
  return version.substr(0, static_cast<std::size_t>(parts[2].end() - parts[0].begin()));
}

// An environment that was laid out for Windows: pyvenv.cfg tells the version (there is no directory with it),
// and the programs in Scripts for which machine, and whether the interpreter is a free-threaded one.
std::optional<ForeignTarget> windows_target(const std::string& root, const PyvenvConfig& config) {
  const auto scripts = try_open_dir(AT_FDCWD, root + "/Scripts");
  if (!scripts || config.version.empty() || !try_open_dir(AT_FDCWD, root + "/Lib/site-packages"))
    return std::nullopt;
  ForeignTarget target{release_of(config.version), "win_amd64", ""};
  const std::vector<std::string_view> parts = split(target.version, '.');
  if (parts.size() < 2) return std::nullopt;
  const std::string threads = "python" + std::string(parts[0]) + "." + std::string(parts[1]) + "t.exe";
  if (try_lstat(scripts->get(), threads)) target.version += 't';
  const auto python = try_open_file(scripts->get(), "python.exe");
  const auto program = python ? read_object_file(python->get(), root + "/Scripts/python.exe") : std::nullopt;
  if (program && program->machine == "i686") target.platform = "win32";
  if (program && program->machine == "arm64") target.platform = "win_arm64";
  return target;
}

// What can be known of an interpreter that is not there, or not any more.
Interpreter describe_gone_interpreter(const Place& place) {
  const std::string path = place.physical + "/pyvenv.cfg";
  const PyvenvConfig config = parse_pyvenv_config(read_file(AT_FDCWD, path, 1 << 20), path);
  if (const auto target = windows_target(place.physical, config)) return foreign_interpreter(*target);
  ForeignTarget target;
  target.version = version_of_lib(place.physical);
  // The file tells the micro version too, of the same line of releases.
  if (!target.version.empty() && config.version.starts_with(target.version + "."))
    target.version = release_of(config.version);
  if (target.version.empty()) {
    throw Error(ErrorCode::io, axle::Place{place.physical},
                "the environment's interpreter is gone, and nothing tells its version",
                "make the environment anew: axle venv --clear");
  }
  target.platform = host_platform();
  Interpreter interpreter = foreign_interpreter(target);
  interpreter.foreign = false;  // it was of this machine
  interpreter.executable = place.logical + "/bin/python";
  return interpreter;
}

Interpreter find_interpreter_of(const Options& options, const Place& place) {
  try {
    return find_interpreter_for(options, place);
  } catch (const Error& error) {
    const bool gone = error.code() == ErrorCode::no_match || error.code() == ErrorCode::io;
    if (!gone || !options.python.empty() || !is_environment(place)) throw;
    return describe_gone_interpreter(place);
  }
}

}  // namespace

std::optional<Store> find_store(const Options& options) {
  const std::string path = store_path(options);
  if (!try_stat(AT_FDCWD, path + "/v1")) return std::nullopt;
  try {
    return Store::open(path);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::io) throw;
    return std::nullopt;
  }
}

Existing open_existing(const Options& given) {
  Options options = given;
  options.break_system_packages = true;  // nothing is changed
  Existing existing;
  existing.place = find_place(options);
  if (existing.place.kind != LayoutKind::system) {
    Environment::recover(existing.place.physical, environment_options(options, existing.place));
  }
  require_environment(existing.place);
  existing.interpreter = find_interpreter_of(options, existing.place);
  existing.layout = make_layout(options, existing.place, existing.interpreter);
  existing.path =
      options.root.empty() ? existing.layout.root : absolute_path(options.root) + existing.layout.root;
  existing.root = open_dir(AT_FDCWD, existing.path);
  const std::optional<Store> store = find_store(options);
  existing.installation = read_installation(existing.root, existing.layout, store ? &*store : nullptr);
  return existing;
}

}  // namespace axle::cli
