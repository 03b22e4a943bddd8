#include "action/place_check.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "axle/base/error.h"
#include "base/fd.h"

namespace axle {
namespace {

using Inode = std::pair<dev_t, ino_t>;

enum class Tree { made, read };

std::string without_slashes(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

// The directory that holds what a path names.
std::string parent_of(const std::string& given) {
  const std::string path = without_slashes(given);
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// A name in a directory, which is what a rename replaces. Hard links are several of them.
using DirName = std::pair<Inode, std::string>;

std::optional<DirName> entry_of(const std::string& path) {
  if (!try_lstat(AT_FDCWD, path)) return std::nullopt;
  const auto parent = try_stat(AT_FDCWD, parent_of(path));
  if (!parent) return std::nullopt;
  const std::string name = without_slashes(path);
  return DirName{{parent->st_dev, parent->st_ino}, name.substr(name.rfind('/') + 1)};
}

class Places {
 public:
  explicit Places(const ActionContext& context) : context_(context) {}

  bool empty() const noexcept { return trees_.empty(); }

  // What is not there holds nothing, and nothing is in it.
  void add(const std::string& path, Tree kind) {
    if (path.empty()) return;
    const auto status = try_stat(AT_FDCWD, reach(context_, path));
    if (!status || !S_ISDIR(status->st_mode)) return;
    const auto [place, is_new] = trees_.emplace(Inode{status->st_dev, status->st_ino}, kind);
    if (!is_new && place->second != kind)
      throw Error(ErrorCode::usage, Place{path}, "is an input and an output, through a link");
  }

  // The tree in which the entry `path` lies, at any depth, however one gets there.
  std::optional<Tree> tree_around(const std::string& path) {
    std::string parent = parent_of(reach(context_, path));
    // An output's directory need not be there yet.
    while (!try_stat(AT_FDCWD, parent)) {
      std::string above = parent_of(parent);
      if (above == parent) return std::nullopt;
      parent = std::move(above);
    }
    const auto known = around_.find(parent);
    if (known != around_.end()) return known->second;
    return around_[parent] = tree_above(parent);
  }

  // The same of what a link leads to.
  std::optional<Tree> tree_around_target(const std::string& path) {
    const std::string reached = reach(context_, path);
    const auto status = try_lstat(AT_FDCWD, reached);
    if (!status || !S_ISLNK(status->st_mode)) return std::nullopt;
    char* const real = realpath(reached.c_str(), nullptr);
    if (real == nullptr) return std::nullopt;
    const std::string target = real;
    free(real);
    return tree_around(target);
  }

 private:
  std::optional<Tree> tree_above(std::string directory) const {
    std::optional<Inode> below;
    while (directory.size() < PATH_MAX) {
      const auto status = try_stat(AT_FDCWD, directory);
      if (!status) return std::nullopt;
      const Inode inode{status->st_dev, status->st_ino};
      const auto found = trees_.find(inode);
      if (found != trees_.end()) return found->second;
      if (below == inode) return std::nullopt;  // "/"
      below = inode;
      directory += "/..";
    }
    return std::nullopt;
  }

  const ActionContext& context_;
  std::map<Inode, Tree> trees_;
  std::map<std::string, std::optional<Tree>> around_;  // by directory: most paths share a few
};

}  // namespace

void check_places(const ActionRequest& r, const ActionContext& context) {
  std::vector<const std::string*> inputs, outputs;
  const auto add = [](std::vector<const std::string*>& paths, const std::string& path) {
    if (!path.empty() && path != "-") paths.push_back(&path);
  };
  Places places(context);
  for (const ActionSource& source : r.sources) {
    add(inputs, source.path);
    add(inputs, source.facts);
    if (source.kind == ActionSource::Kind::tree) places.add(source.path, Tree::read);
  }
  for (const std::string* path : {&r.python, &r.compiler}) add(inputs, *path);
  for (const std::string& patch : r.patches) add(inputs, patch);
  for (const std::string* path : {&r.into, &r.output, &r.facts_out, &r.stamp, &r.depfile, &r.dyndep,
                                  &r.manifest, &r.descriptor, &r.mtree, &r.oci})
    add(outputs, *path);
  for (const std::string* path : {&r.into, &r.oci}) places.add(*path, Tree::made);

  std::set<DirName> replaced;
  for (const std::string* path : outputs) {
    if (const auto entry = entry_of(reach(context, *path))) replaced.insert(*entry);
    const auto tree = places.empty() ? std::nullopt : places.tree_around(*path);
    if (!tree) continue;
    throw Error(ErrorCode::usage, Place{*path},
                *tree == Tree::made ? "lies in the tree that is made, through a link"
                                    : "lies in a tree that is an input, through a link",
                "put it beside the tree");
  }
  if (replaced.empty()) return;
  for (const std::string* path : inputs) {
    const auto entry = entry_of(reach(context, *path));
    if (entry && replaced.contains(*entry))
      throw Error(ErrorCode::usage, Place{*path}, "is an input and an output, through a link");
    if (places.tree_around(*path) != Tree::made && places.tree_around_target(*path) != Tree::made) continue;
    throw Error(ErrorCode::usage, Place{*path},
                "is an input, and lies in the tree that is made, through a link",
                "all that is there makes way for the tree: give --into a place of its own");
  }
}

}  // namespace axle
