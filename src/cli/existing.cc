#include "cli/existing.h"

#include <dirent.h>
#include <fcntl.h>

#include "axle/base/error.h"
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

// What can be known of an interpreter that is not there any more.
Interpreter describe_gone_interpreter(const Place& place) {
  const std::string path = place.physical + "/pyvenv.cfg";
  const PyvenvConfig config = parse_pyvenv_config(read_file(AT_FDCWD, path, 1 << 20), path);
  ForeignTarget target;
  target.version = version_of_lib(place.physical);
  // The file tells the micro version too, of the same line of releases.
  if (!target.version.empty() && config.version.starts_with(target.version + ".")) {
    target.version = config.version;
    const std::vector<std::string_view> parts =
        split(config.version, '.');  // uv and virtualenv: 3.11.2.final.0
    if (parts.size() > 3) target.version.resize(static_cast<std::size_t>(parts[2].end() - parts[0].begin()));
  }
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
