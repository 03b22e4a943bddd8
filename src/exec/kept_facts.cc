#include "exec/kept_facts.h"

#include <set>
#include <string>

#include "axle/base/error.h"
#include "base/file.h"
#include "exec/own_files.h"
#include "exec/state.h"

namespace axle {

void keep_facts(const Fd& root, const State& state) {
  make_dir(root.get(), own::facts);
  const auto dir = try_open_dir_here(root.get(), own::facts);
  if (!dir) {
    throw Error(ErrorCode::io, Place{own::facts}, "is no directory of axle's, and stands where it needs one",
                "look where it came from, then remove it");
  }
  // Links need their store anyway, and without it nothing can be done to them by what the facts say.
  const std::set<DistId> linked = linked_dists(state);
  for (DistId id = 0; id < state.dists.size(); ++id) {
    const LaidDist& dist = state.dists[id];
    const std::string name = dist.facts.store_id().hex();
    if (linked.contains(id) || try_lstat(dir->get(), name)) continue;
    unlink_at(root.get(), own::next_facts);
    create_file(root.get(), own::next_facts, dist.facts.bytes(), {});
    rename_at(root.get(), own::next_facts, dir->get(), name);
  }
}

void remove_old_facts(const Fd& root, const State& state) {
  const auto dir = try_open_dir_here(root.get(), own::facts);
  if (!dir) return;
  std::set<std::string> kept;
  for (const LaidDist& dist : state.dists) kept.insert(dist.facts.store_id().hex());
  for (const DirEntry& entry : list_dir(*dir, own::facts)) {
    if (!kept.contains(entry.name)) unlink_at(dir->get(), entry.name);
  }
}

}  // namespace axle
