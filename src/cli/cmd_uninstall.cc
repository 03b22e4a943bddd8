// axle uninstall NAME...: removes what is recorded of them.

#include <fcntl.h>

#include <set>

#include "axle/base/error.h"
#include "axle/pep/name.h"
#include "base/fd.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/environment_commands.h"

namespace axle::cli {

int run_uninstall(const Options& options) {
  const Stopwatch watch;
  if (options.arguments.empty())
    throw Error(ErrorCode::usage, "uninstall needs names", "axle uninstall NAME...");
  const Opened opened = open_place(options);
  if (!try_open_dir(AT_FDCWD, opened.path)) {
    throw Error(ErrorCode::io, axle::Place{opened.path}, "there is no environment", "name one with --venv");
  }
  const Decide decide = [&](const Installation& installed, Store&, Diagnostics& notes) {
    std::set<std::string> present;
    for (const LaidDist& dist : installed.state.dists) present.insert(dist.name);
    std::set<std::string> unwanted;
    for (const std::string& name : options.arguments) {
      const std::string normalized = normalize_name(name);
      if (present.contains(normalized)) {
        unwanted.insert(normalized);
      } else if (options.allow_missing) {
        notes.push_back({Severity::warning, "not-installed", normalized, "",
                         axle::quoted(name) + " is not installed", ""});
      } else {
        throw Error(ErrorCode::no_match, axle::quoted(name) + " is not installed in " + opened.path,
                    "--allow-missing passes over unknown names");
      }
    }
    std::vector<PlanWheel> wheels;
    for (const LaidDist& dist : installed.state.dists) {
      if (!unwanted.contains(dist.name)) wheels.push_back(keep(dist));
    }
    return wheels;
  };
  return change_environment(options, opened, {}, decide, watch);
}

}  // namespace axle::cli
