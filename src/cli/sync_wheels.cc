#include "cli/sync_wheels.h"

#include <set>

#include "axle/base/error.h"

namespace axle::cli {
namespace {

// Kept when the lock lacks them: the tools with which people look after environments.
const std::set<std::string>& seeds() {
  static const std::set<std::string> names{"pip", "setuptools", "wheel"};
  return names;
}

}  // namespace

std::vector<PlanWheel> sync_wheels(const Options& options, const Chosen& chosen,
                                   const SelectionRequest& request, const Installation& installed,
                                   Store& store, Diagnostics& notes) {
  notes.insert(notes.end(), chosen.notes.begin(), chosen.notes.end());
  for (const LocalProject& project : chosen.local_projects) {
    if (!project.installable) continue;
    notes.push_back({Severity::note, "local-project", project.name, project.path,
                     "is a local project; only its dependencies are installed", ""});
  }
  std::vector<PlanWheel> wheels = acquire(options, chosen, request, store, notes);
  std::set<std::string> names;
  for (const PlanWheel& wheel : wheels) names.emplace(wheel.facts.normalized());
  if (names.empty() && !installed.state.dists.empty() && !options.allow_empty) {
    throw Error(ErrorCode::usage, "the lock selects nothing, and the environment is not empty",
                "--allow-empty removes everything from it");
  }
  for (const LaidDist& dist : installed.state.dists) {
    if (!options.exact && seeds().contains(dist.name) && !names.contains(dist.name))
      wheels.push_back(keep(dist));
  }
  return wheels;
}

}  // namespace axle::cli
