#pragma once
// Laying entries: from a plan's contents to files, links and directories. The only place where an
// environment's files are made.

#include <cstdint>
#include <optional>
#include <vector>

#include "axle/base/diagnostic.h"
#include "axle/plan/plan.h"
#include "axle/store/store.h"
#include "base/fd.h"
#include "exec/dist_tree.h"

namespace axle {

struct LayOptions {
  LinkMode mode = LinkMode::copy;  // how Lay::file comes from the store: hardlink, clone or copy
  unsigned jobs = 1;
  std::int64_t generated_mtime_ns = 0;          // of files that axle writes itself
  std::optional<std::int64_t> copied_mtime_ns;  // of copies and clones; none: as in the store
  const Store* kept = nullptr;  // where edited objects are kept; none: they are made in memory each time
};

struct Laid {
  std::vector<std::uint64_t> record_sizes;  // of the RECORDs laid, by DistId
  // Files that were to be hard links or clones and could not, and the first reason (errno).
  std::size_t copied = 0;
  int why_copied = 0;
};

// Lays `entries` (of this plan) under the root. Their paths must be free; directories above them are made.
Laid lay_entries(const Fd& root, const Plan& plan, const std::vector<Entry>& entries, const Trees& trees,
                 const LayOptions& options);

}  // namespace axle
