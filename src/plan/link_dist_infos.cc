// Which dist-infos become one link.
//
// What axle adds to a dist-info is the same in every environment, and so is its RECORD, when the distribution
// has nothing but files of its own below site-packages: no scripts, no data, no headers, nothing shared with
// others or lost to them, nothing edited. RECORD's paths are relative to site-packages. Such a dist-info can
// be made once, in the store, and be a link like a package. All others stay directories of their own.

#include <algorithm>
#include <iterator>

#include "plan/passes.h"

namespace axle {
namespace {

// Whether the entry says the same in every environment.
bool depends_on_wheel_alone(const Plan& plan, const Entry& entry) {
  const Dist& dist = plan.dists[entry.owner];
  if (!entry.sharers.empty()) return false;
  if (const auto* tree = std::get_if<StoreTree>(&entry.content)) {
    return entry.lay == Lay::link && tree->wheel == entry.owner &&
           dist.facts.dir(tree->dir).scheme == dist.facts.root_scheme();
  }
  if (const auto* file = std::get_if<StoreFile>(&entry.content)) {
    return entry.lay == Lay::link && file->wheel == entry.owner &&
           dist.facts.scheme_of(dist.facts.file(file->file)) == dist.facts.root_scheme();
  }
  return entry.path.is_within(dist.dist_info) &&
         (std::holds_alternative<Generated>(entry.content) || std::holds_alternative<Record>(entry.content));
}

bool is_metadata(const Entry& entry) {
  return std::holds_alternative<StoreFile>(entry.content) && entry.path.name() == "METADATA";
}

}  // namespace

void link_dist_infos(Draft& draft) {
  Plan& plan = draft.plan;
  if (plan.policy.link_mode != LinkMode::symlink || plan.policy.dist_info != DistInfoLayout::link) return;
  std::vector<bool> may_link(plan.dists.size());
  for (std::size_t i = 0; i < may_link.size(); ++i)
    may_link[i] = plan.dists[i].recorded && plan.dists[i].lost_files.empty();
  for (const Entry& entry : plan.entries) {
    for (const DistId sharer : entry.sharers) {
      if (sharer != environment_itself) may_link[sharer] = false;
    }
    if (entry.owner != environment_itself && !depends_on_wheel_alone(plan, entry))
      may_link[entry.owner] = false;
  }

  std::vector<Entry> entries;
  entries.reserve(plan.entries.size());
  for (auto first = plan.entries.begin(); first != plan.entries.end();) {
    const DistId owner = first->owner;
    if (owner == environment_itself || !may_link[owner] ||
        !first->path.is_within(plan.dists[owner].dist_info)) {
      entries.push_back(std::move(*first++));
      continue;
    }
    Dist& dist = plan.dists[owner];
    const auto last = std::find_if(first, plan.entries.end(),
                                   [&](const Entry& entry) { return !entry.path.is_within(dist.dist_info); });
    const bool is_alone = std::all_of(first, last, [&](const Entry& entry) { return entry.owner == owner; });
    if (is_alone && std::any_of(first, last, is_metadata)) {
      dist.dist_info_files.assign(std::make_move_iterator(first), std::make_move_iterator(last));
      entries.push_back({dist.dist_info, owner, {}, DistInfo{owner}, false, Lay::link, {}});
    } else {
      std::move(first, last, std::back_inserter(entries));
    }
    first = last;
  }
  plan.entries = std::move(entries);
}

}  // namespace axle
