#pragma once
// Who claims which path. A wheel's directory is one claim until somebody else claims something below it; only
// then is it expanded, and only there. So the tree has as many nodes as there are packages and shared
// directories, not files.

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "axle/plan/plan.h"

namespace axle {

struct Claim {
  DistId dist = environment_itself;
  Content content;
  bool executable = false;
};

struct PathNode {
  std::vector<Claim> claims;      // files and links; one StoreTree, when there is nothing below
  std::vector<StoreTree> merged;  // directories of wheels that were expanded into this node
  std::map<std::string, PathNode, std::less<>> children;

  bool is_dir() const noexcept { return !children.empty() || !merged.empty(); }
};

class PathTree {
 public:
  // `wheels[i]` gives the facts that claims of wheel i point into; it must outlive the tree.
  explicit PathTree(const std::vector<Dist>& wheels) : wheels_(wheels) {}

  // `path` is relative, with '/' between components; "" is the root.
  void add(std::string_view path, Claim claim);
  const PathNode& root() const noexcept { return root_; }
  // nullptr when nothing is there, or only inside an unexpanded tree.
  const PathNode* find(std::string_view path) const;
  // Expands whatever stands in the way, so that `path` is a node of its own where anything claims it.
  void expand_to(std::string_view path);

 private:
  PathNode& descend(std::string_view path);
  void expand(PathNode& node);
  void add_below(PathNode& node, const Claim& tree);

  const std::vector<Dist>& wheels_;
  PathNode root_;
};

// The direct children of a wheel's directory, directories first, each list by name.
struct TreeChild {
  std::string_view name;
  Content content;  // StoreTree or StoreFile
  bool executable = false;
};
std::vector<TreeChild> children_of(const WheelFacts& facts, const StoreTree& tree);

}  // namespace axle
