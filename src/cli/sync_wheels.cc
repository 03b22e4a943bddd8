#include "cli/sync_wheels.h"

#include <cstdint>
#include <iterator>
#include <set>

#include "axle/base/error.h"
#include "cli/editable.h"

namespace axle::cli {
namespace {

// Kept when the lock lacks them: the tools with which people look after environments.
const std::set<std::string>& seeds() {
  static const std::set<std::string> names{"pip", "setuptools", "wheel"};
  return names;
}

}  // namespace

std::vector<PlanWheel> chosen_wheels(const Options& options, const Chosen& chosen,
                                     const SelectionRequest& request, Store& store, Diagnostics& notes) {
  for (const Diagnostic& note : chosen.notes) {
    if (!options.editable_local || note.kind != "local-project") notes.push_back(note);
  }
  // What cannot be installed in place is found before anything is fetched.
  std::vector<PlanWheel> wheels = editable_wheels(options, chosen, store, notes);
  std::vector<PlanWheel> fetched = acquire(options, chosen, request, store, notes);
  wheels.insert(wheels.end(), std::make_move_iterator(fetched.begin()),
                std::make_move_iterator(fetched.end()));
  return wheels;
}

std::vector<PlanWheel> sync_wheels(const Options& options, const Chosen& chosen,
                                   const SelectionRequest& request, const Installation& installed,
                                   Store& store, Diagnostics& notes) {
  std::vector<PlanWheel> wheels = chosen_wheels(options, chosen, request, store, notes);
  std::set<std::string> names;
  for (const PlanWheel& wheel : wheels) names.emplace(wheel.facts.normalized());
  if (names.empty() && !installed.state.dists.empty() && !options.allow_empty) {
    throw Error(ErrorCode::usage, "the lock selects nothing, and the environment is not empty",
                "--allow-empty removes everything from it");
  }
  for (const LaidDist& dist : installed.state.dists) {
    if (options.exact || !seeds().contains(dist.name) || names.contains(dist.name)) continue;
    wheels.push_back(keep(dist));
    wheels.back().rank = SIZE_MAX;  // after what the lock names
  }
  return wheels;
}

}  // namespace axle::cli
