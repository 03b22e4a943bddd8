#pragma once
// Laying entries: from a plan's contents to files, links and directories. The only place where an
// environment's files are made.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "axle/base/diagnostic.h"
#include "axle/plan/plan.h"
#include "axle/store/store.h"
#include "base/fd.h"

namespace axle {

// Where the unpacked files of one distribution are.
struct DistTree {
  enum class Use { keep, take };  // take: the files may be moved away

  int dir = -1;      // an open directory that outlives the laying
  std::string path;  // of the tree, below it
  // Where a scheme's files begin below `path`, by Scheme; "" is the tree itself.
  std::array<std::string, all_schemes.size()> schemes;
  std::string location;  // what symbolic links into the tree begin with; "" when there can be none
  // The directory that will be the root, absolute, when links are to be relative; "" when they are absolute.
  std::string seen_from;
  Use use = Use::keep;
  // times: a file whose size or time is not the one it was unpacked with is not laid.
  enum class Check { none, times };
  Check check = Check::none;
};
using Trees = std::vector<DistTree>;  // by DistId

// Of wheels in the store, which must outlive them.
DistTree store_tree(const WheelFacts& facts, const Store& store);
Trees store_trees(const Plan& plan, const Store& store);
// Makes the trees' links relative where the plan wants that. `root` is where the environment lies, or a
// sibling of it. Throws Error(io).
void link_relatively(Trees& trees, const Plan& plan, const Store& store, const std::string& root);

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

// A file of the wheel, relative to the tree's open directory.
std::string path_of_file(const DistTree& tree, const WheelFacts& wheel, std::uint32_t file);
// Throws Error(integrity).
[[noreturn]] void store_is_damaged(const std::string& path, const char* what = "is missing in the store");

// Where an entry with Lay::link points to.
std::string link_target(const Plan& plan, const Entry& entry, const Trees& trees);

}  // namespace axle
