#include "exec/describe.h"

#include <algorithm>
#include <map>
#include <set>

#include "exec/link_mode.h"
#include "exec/presence.h"
#include "exec/survey.h"

namespace axle {
namespace {

State without_skeleton(const State& state, const Plan& plan) {
  State rest = state;
  if (!plans_skeleton(plan))
    std::erase_if(rest.entries, [](const LaidEntry& entry) { return is_skeleton(entry); });
  return rest;
}

// Whether what is there was laid in another mode than the plan's, which lays it anew. A mode that cannot work
// here comes to copies, and those are what is there then.
bool changes_mode(const Fd& root, const Installation& installed, const Plan& plan, const Store& store) {
  if (!installed.head || installed.head->link_mode.empty()) return false;
  const std::string& now = installed.head->link_mode;
  if (now == to_string(plan.policy.link_mode)) return false;
  const int no_symlink = foresee_no_symlink(root, installed.state);
  const auto mode = foresee_link_mode(plan.policy.link_mode, store, root, no_symlink);
  return mode && now != to_string(*mode);
}

}  // namespace

bool is_skeleton(const LaidEntry& entry) {
  return std::all_of(entry.owners.begin(), entry.owners.end(),
                     [](DistId owner) { return owner == environment_itself; });
}

bool plans_skeleton(const Plan& plan) {
  return std::any_of(plan.entries.begin(), plan.entries.end(),
                     [](const Entry& entry) { return entry.owner == environment_itself; });
}

void describe(const State& state, const Plan& plan, const Changes& changes, ApplyResult& result) {
  std::map<std::string, std::string> before;
  std::map<std::string, std::string> after;
  for (const LaidDist& dist : state.dists) before.emplace(dist.name, dist.version);
  for (const Dist& dist : plan.dists) after.emplace(dist.name, dist.version);
  std::set<std::string> touched;
  for (const Entry& entry : changes.add) {
    if (entry.owner != environment_itself) touched.insert(plan.dists[entry.owner].name);
  }
  for (const auto& [name, version] : after) {
    const auto old = before.find(name);
    if (old == before.end() || old->second != version) {
      result.installed.push_back(name + " " + version);
    } else if (touched.contains(name)) {
      result.reinstalled.push_back(name + " " + version);
    } else {
      ++result.kept;
    }
  }
  for (const auto& [name, version] : before) {
    const auto now = after.find(name);
    if (now == after.end() || now->second != version) result.removed.push_back(name + " " + version);
  }
  result.paths_added = changes.add.size();
  result.paths_removed = changes.remove.size();
}

std::vector<Conflict> find_conflicts_on_disk(const Fd& root, const Installation& installed,
                                             const Plan& plan) {
  DiffOptions how;
  Changes changes = diff_on_disk(root, without_skeleton(installed.state, plan), plan, how);
  std::set<RelPath> removed(changes.join.begin(), changes.join.end());
  for (const LaidEntry& entry : changes.remove) {
    if (entry.kind != LaidKind::directory) removed.insert(entry.path);
  }
  Presence presence(root, plan.policy.names);
  return survey_additions(root, plan, std::move(changes.add), removed, presence).conflicts;
}

ApplyResult preview(const Fd* root, const Installation& installed, const Plan& plan, const Store& store,
                    const ApplyOptions& options) {
  const State state = without_skeleton(installed.state, plan);
  DiffOptions how;
  if (options.reuse == Reuse::reinstall || (root != nullptr && changes_mode(*root, installed, plan, store)))
    how.relay_scope = DiffOptions::Relay::all;
  ApplyResult result;
  describe(state, plan, root != nullptr ? diff_on_disk(*root, state, plan, how) : diff(state, plan, how),
           result);
  return result;
}

}  // namespace axle
