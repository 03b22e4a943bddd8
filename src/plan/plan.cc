// The order of the passes: the table of contents of what axle decides.

#include "axle/plan/plan.h"

#include <algorithm>
#include <stdexcept>

#include "plan/passes.h"

namespace axle {

Plan make_plan(const PlanInput& input) {
  Draft draft(input);
  draft.plan.layout = input.layout;
  draft.plan.policy = input.policy;

  place_files(draft);            // wheels' directories, at their schemes' places
  add_scripts(draft);            // after place_files: launchers win over a wheel's own script
  add_metadata(draft);           // INSTALLER and the like: these expand each dist-info
  add_venv_skeleton(draft);      // so that wheels which claim the environment's own files are found
  classify_namespaces(draft);    // needs to know what was merged
  resolve_startup_files(draft);  // needs only the wheels
  resolve_conflicts(draft);
  // From here on every destination has one owner.
  prune_files(draft);   // before links: a directory that loses files is no longer one tree
  plan_rpaths(draft);   // before choose_links: an edited object is a file of its own
  choose_links(draft);  // a linked tree must have one owner
  add_records(draft);   // identities: what a RECORD holds follows from the entries of its distribution
  // From here on nothing is added.
  check_plan(draft.plan);
  return std::move(draft.plan);
}

void check_plan(const Plan& plan) {
  const auto fail = [](const std::string& what) { throw std::logic_error("plan: " + what); };
  std::vector<int> records(plan.dists.size());
  const Entry* previous = nullptr;
  for (const Entry& entry : plan.entries) {
    if (previous != nullptr) {
      if (!(previous->path < entry.path)) fail(entry.path.str() + " is out of order");
      if (entry.path.is_within(previous->path) && plan.conflicts.empty()) {
        fail(entry.path.str() + " lies within another entry");
      }
    }
    previous = &entry;
    if (entry.owner != environment_itself && entry.owner >= plan.dists.size())
      fail(entry.path.str() + " has no owner");
    for (const DistId sharer : entry.sharers) {
      if (sharer >= plan.dists.size() && sharer != environment_itself)
        fail(entry.path.str() + " is shared by nobody");
    }
    if (const auto* tree = std::get_if<StoreTree>(&entry.content))
      plan.dists.at(tree->wheel).facts.dir(tree->dir);
    if (const auto* file = std::get_if<StoreFile>(&entry.content))
      plan.dists.at(file->wheel).facts.file(file->file);
    if (const auto* record = std::get_if<Record>(&entry.content)) ++records.at(record->dist);
  }
  for (std::size_t i = 0; i < records.size(); ++i) {
    if (plan.conflicts.empty() && records[i] != (plan.dists[i].recorded ? 1 : 0)) {
      fail(plan.dists[i].name + " has " + std::to_string(records[i]) + " RECORDs");
    }
  }
}

}  // namespace axle
