#include "exec/dist_tree.h"

#include "axle/base/error.h"
#include "base/fd.h"
#include "env/paths.h"

namespace axle {

std::string joined(std::string_view dir, std::string_view below) {
  if (dir.empty() || below.empty()) return std::string(dir.empty() ? below : dir);
  return std::string(dir) + "/" + std::string(below);
}

std::string path_in(const DistTree& tree, Scheme scheme, std::string_view below) {
  std::string path = tree.schemes[static_cast<std::size_t>(scheme)];
  if (!path.empty() && !below.empty()) path += '/';
  return path += below;
}

DistTree store_tree(const WheelFacts& facts, const Store& store) {
  DistTree tree;
  tree.dir = store.root().get();
  tree.path = Store::tree_path(facts.store_id());
  tree.location = store.path() + "/" + tree.path;
  if (store.use() == StoreUse::shared) tree.check = DistTree::Check::times;
  for (const Scheme scheme : all_schemes)
    tree.schemes[static_cast<std::size_t>(scheme)] = tree_prefix(scheme);
  return tree;
}

Trees store_trees(const Plan& plan, const Store& store) {
  Trees trees;
  for (const Dist& dist : plan.dists) trees.push_back(store_tree(dist.facts, store));
  return trees;
}

void link_relatively(Trees& trees, const Plan& plan, const Store& store, const std::string& root) {
  if (plan.policy.relocatable == Relocatable::no || plan.policy.link_mode != LinkMode::symlink) return;
  const std::string seen_from = existing_path(root);
  const std::string location = existing_path(store.path());
  for (DistTree& tree : trees) {
    tree.seen_from = seen_from;
    tree.location = location + "/" + tree.path;
  }
}

std::string link_target(const Plan& plan, const Entry& entry, const Trees& trees) {
  const auto* tree = std::get_if<StoreTree>(&entry.content);
  const auto* file = std::get_if<StoreFile>(&entry.content);
  const DistId id = tree != nullptr ? tree->wheel : file->wheel;
  const WheelFacts& wheel = plan.dists[id].facts;
  const Scheme scheme =
      tree != nullptr ? wheel.dir(tree->dir).scheme : wheel.scheme_of(wheel.file(file->file));
  const std::string below = tree != nullptr ? wheel.dir_path(tree->dir) : wheel.path_of(file->file);
  std::string target = joined(trees[id].location, path_in(trees[id], scheme, below));
  if (trees[id].seen_from.empty()) return target;
  const auto parent = entry.path.parent();
  return relative_path(joined(trees[id].seen_from, parent ? parent->str() : std::string()), target);
}

std::string path_of_file(const DistTree& tree, const WheelFacts& wheel, std::uint32_t file) {
  return joined(tree.path, path_in(tree, wheel.scheme_of(wheel.file(file)), wheel.path_of(file)));
}

void store_is_damaged(const std::string& path, const char* what) {
  throw Error(ErrorCode::integrity, Place{path}, what,
              "axle store verify --repair removes damaged wheels; the next run unpacks them anew");
}

}  // namespace axle
