// axle venv DIR: an empty environment; no Python is run.

#include <fcntl.h>

#include "axle/base/error.h"
#include "base/fd.h"
#include "cli/commands.h"
#include "cli/environment_commands.h"
#include "exec/environment.h"

namespace axle::cli {
namespace {

// Only an environment may be replaced, and only when --clear asks for it.
void check_existing(const Options& options, const Place& place) {
  const auto dir = try_open_dir(AT_FDCWD, place.physical);
  if (!dir || list_dir(dir->get(), ".").empty()) return;
  if (!is_environment(place)) {
    throw Error(ErrorCode::io, axle::Place{place.physical}, "is a directory with content, and no environment",
                "remove it yourself, or choose another place");
  }
  if (!options.clear) {
    throw Error(ErrorCode::io, axle::Place{place.physical}, "is an environment already",
                "--clear replaces it");
  }
}

}  // namespace

int run_venv(const Options& given) {
  const Stopwatch watch;
  if (given.arguments.size() > 1) throw Error(ErrorCode::usage, "venv takes one directory", "axle venv DIR");
  Options options = given;
  // DIR is the place; the options that name other kinds of places mean nothing here.
  options.target = options.prefix = std::nullopt;
  options.system = false;
  if (!options.arguments.empty()) options.venv = options.arguments.front();
  const Place place = find_place(options);
  Environment::recover(place.physical, {});
  check_existing(options, place);
  Opened opened = open_place(options);
  opened.makes_skeleton = true;
  const Decide decide = [](const Installation&, Store&, Diagnostics&) { return std::vector<PlanWheel>(); };
  return change_environment(options, opened, {}, decide, watch);
}

}  // namespace axle::cli
