#pragma once
// Where the unpacked files of distributions are, and what links to them say.

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "axle/plan/plan.h"
#include "axle/store/store.h"

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

// "dir/below", or the one that is not "".
std::string joined(std::string_view dir, std::string_view below);
// A scheme's file or directory, relative to the tree.
std::string path_in(const DistTree& tree, Scheme scheme, std::string_view below);

// A file of the wheel, relative to the tree's open directory.
std::string path_of_file(const DistTree& tree, const WheelFacts& wheel, std::uint32_t file);
// Throws Error(integrity).
[[noreturn]] void store_is_damaged(const std::string& path, const char* what = "is missing in the store");

// Where an entry with Lay::link points to.
std::string link_target(const Plan& plan, const Entry& entry, const Trees& trees);

}  // namespace axle
