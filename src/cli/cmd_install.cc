// axle install: adds wheels, keeps the rest.

#include <set>

#include "axle/base/error.h"
#include "cli/acquire.h"
#include "cli/commands.h"
#include "cli/environment_commands.h"
#include "cli/sync_wheels.h"

namespace axle::cli {
namespace {

// The arguments as lines of a requirements file. --hash belongs to the one before it, so it needs exactly
// one.
std::vector<std::string> requirement_lines(const Options& options) {
  std::vector<std::string> lines = options.arguments;
  if (options.hashes.empty()) return lines;
  if (lines.size() != 1)
    throw Error(ErrorCode::usage, "--hash needs exactly one wheel", "give hashes in a lock (-r)");
  for (const std::string& hash : options.hashes) lines.front() += " --hash=" + hash;
  return lines;
}

}  // namespace

int run_install(const Options& options) {
  const Stopwatch watch;
  if (options.arguments.empty() && options.requirements.empty()) {
    throw Error(ErrorCode::usage, "install needs something to install",
                "axle install WHEEL, NAME==VERSION or -r FILE");
  }
  const Opened opened = open_place(options);
  const Locks locks = read_locks(options, options.requirements, requirement_lines(options));
  const SelectionRequest request = selection_request(options, opened.interpreter);
  const Chosen chosen = select_all(locks, request);
  const Decide decide = [&](const Installation& installed, Store& store, Diagnostics& notes) {
    std::vector<PlanWheel> added = chosen_wheels(options, chosen, request, store, notes);
    std::set<std::string> names;
    for (const PlanWheel& wheel : added) names.emplace(wheel.facts.normalized());
    std::vector<PlanWheel> wheels;
    for (const LaidDist& dist : installed.state.dists) {
      if (!names.contains(dist.name)) wheels.push_back(keep(dist));
    }
    for (PlanWheel& wheel : added) wheels.push_back(std::move(wheel));
    return wheels;
  };
  return change_environment(options, opened, {}, decide, watch);
}

}  // namespace axle::cli
