#include "exec/kept_facts.h"

#include <set>
#include <string>

#include "axle/base/error.h"
#include "base/file.h"
#include "exec/own_files.h"

namespace axle {

void keep_facts(const Fd& root, const State& state) {
  make_dir(root.get(), own::facts);
  const auto dir = try_open_dir_here(root.get(), own::facts);
  if (!dir) {
    throw Error(ErrorCode::io, Place{own::facts}, "is no directory of axle's, and stands where it needs one",
                "look where it came from, then remove it");
  }
  for (const LaidDist& dist : state.dists) {
    const std::string name = dist.facts.store_id().hex();
    if (try_lstat(dir->get(), name)) continue;
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
