#include "plan/path_tree.h"

#include <algorithm>

namespace axle {
namespace {

bool is_tree(const Claim& claim) noexcept { return std::holds_alternative<StoreTree>(claim.content); }

}  // namespace

std::vector<TreeChild> children_of(const WheelFacts& facts, const StoreTree& tree) {
  std::vector<TreeChild> children;
  for (const std::uint32_t below : facts.child_dirs(tree.dir)) {
    children.push_back({facts.name(facts.dir(below)), StoreTree{tree.wheel, below}, false});
  }
  for (const FileFact& file : facts.files_in(facts.dir(tree.dir))) {
    children.push_back(
        {facts.name(file), StoreFile{tree.wheel, facts.index_of(file)}, file.has(file_flag::executable)});
  }
  return children;
}

void PathTree::add(std::string_view path, Claim claim) {
  PathNode& node = descend(path);
  if (!is_tree(claim)) {
    node.claims.push_back(std::move(claim));
    return;
  }
  // An entry needs a name, so the root is never one tree, even where a single wheel claims it (--target).
  if (&node != &root_ && !node.is_dir() && std::none_of(node.claims.begin(), node.claims.end(), is_tree)) {
    node.claims.push_back(std::move(claim));
    return;
  }
  expand(node);
  add_below(node, claim);
}

const PathNode* PathTree::find(std::string_view path) const {
  const PathNode* node = &root_;
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    const auto child = node->children.find(path.substr(0, slash));
    if (child == node->children.end()) return nullptr;
    node = &child->second;
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
  }
  return node;
}

void PathTree::expand_to(std::string_view path) {
  PathNode* node = &root_;
  while (!path.empty()) {
    expand(*node);
    const std::size_t slash = path.find('/');
    const auto child = node->children.find(path.substr(0, slash));
    if (child == node->children.end()) return;
    node = &child->second;
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
  }
}

PathNode& PathTree::descend(std::string_view path) {
  PathNode* node = &root_;
  while (!path.empty()) {
    expand(*node);
    const std::size_t slash = path.find('/');
    const std::string_view name = path.substr(0, slash);
    auto child = node->children.find(name);
    if (child == node->children.end()) child = node->children.emplace(std::string(name), PathNode()).first;
    node = &child->second;
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
  }
  return *node;
}

void PathTree::expand(PathNode& node) {
  const auto found = std::find_if(node.claims.begin(), node.claims.end(), is_tree);
  if (found == node.claims.end()) return;
  const Claim tree = std::move(*found);
  node.claims.erase(found);
  add_below(node, tree);
}

void PathTree::add_below(PathNode& node, const Claim& tree) {
  const StoreTree dir = std::get<StoreTree>(tree.content);
  node.merged.push_back(dir);
  for (const TreeChild& child : children_of(wheels_[dir.wheel].facts, dir)) {
    PathNode& below = node.children.try_emplace(std::string(child.name)).first->second;
    const Claim claim{tree.dist, child.content, child.executable};
    const bool may_stay_whole =
        !below.is_dir() && std::none_of(below.claims.begin(), below.claims.end(), is_tree);
    if (!is_tree(claim) || may_stay_whole) {
      below.claims.push_back(claim);
    } else {
      expand(below);
      add_below(below, claim);
    }
  }
}

}  // namespace axle
