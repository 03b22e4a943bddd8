// The least change from what is installed to a plan.
//
// Problem. Both sides name whole directories by one entry where one distribution owns them, but not always
// the same directories: a second owner splits a tree, an old one leaves and it is whole again.
//
// Algorithm. Both sides are sorted by path and merged. Where one side has a tree and the other has something
// inside of it, the tree is replaced by its children and the merge goes on one level deeper, so trees are
// expanded only along shared directories. Where both have a tree at one path, it is kept, or replaced as a
// whole by one rename. A real directory in which somebody keeps files of his own is never replaced as a
// whole, but expanded.
//
// A link to a directory of the store is not a place in which anything can lie: when the plan needs a real
// directory there, the link goes. The reverse, a real directory that could be one link again, is left as
// links of its children.

#include "axle/plan/diff.h"

#include <algorithm>
#include <map>

#include "plan/identity.h"
#include "plan/path_tree.h"

namespace axle {
namespace {

bool is_tree(const Entry& entry) noexcept { return std::holds_alternative<StoreTree>(entry.content); }

class Merge {
 public:
  Merge(const State& state, const Plan& plan, const DiffOptions& options)
      : state_(state), plan_(plan), options_(options) {
    for (const LaidEntry& entry : state.entries) add_old(entry);
    for (const Entry& entry : plan.entries) new_.emplace(entry.path, entry);
  }

  Changes run() {
    while (!old_.empty() || !new_.empty()) step();
    return std::move(changes_);
  }

 private:
  // Two distributions may record one path (another tool wrote into a directory of ours): it has both as
  // owners.
  void add_old(const LaidEntry& entry) {
    const auto [known, is_new] = old_.emplace(entry.path, entry);
    if (!is_new)
      known->second.owners.insert(known->second.owners.end(), entry.owners.begin(), entry.owners.end());
  }

  LaidEntry take_old() { return std::move(old_.extract(old_.begin()).mapped()); }
  Entry take_new() { return std::move(new_.extract(new_.begin()).mapped()); }

  bool has_strangers(const RelPath& dir) const {
    const auto first = options_.strangers.lower_bound(dir);
    return first != options_.strangers.end() && first->is_within(dir);
  }

  bool must_relay(const Entry& entry) const {
    if (entry.owner == environment_itself) return options_.relay_scope == DiffOptions::Relay::all;
    const Dist& dist = plan_.dists[entry.owner];
    if (!dist.recorded) return false;  // another tool's: there is nothing to lay it from
    return options_.relay_scope == DiffOptions::Relay::all || options_.relay.contains(dist.name);
  }

  void step() {
    if (new_.empty()) return remove_front();
    if (old_.empty()) return add_front();
    const LaidEntry& old_entry = old_.begin()->second;
    const Entry& new_entry = new_.begin()->second;
    if (old_entry.path == new_entry.path) return same_path();
    if (new_entry.path.is_within(old_entry.path)) {
      if (old_entry.kind == LaidKind::tree) return expand_old();
      return remove_front();
    }
    if (old_entry.path.is_within(new_entry.path)) {
      if (is_tree(new_entry)) return expand_new();
      return remove_front();
    }
    if (old_entry.path < new_entry.path) return remove_front();
    add_front();
  }

  void same_path() {
    const LaidEntry& old_entry = old_.begin()->second;
    const Entry& new_entry = new_.begin()->second;
    if (old_entry.identity == new_entry.identity && !must_relay(new_entry)) {
      take_old();
      changes_.result.push_back(take_new());
      return;
    }
    if (old_entry.kind == LaidKind::directory && std::holds_alternative<Directory>(new_entry.content)) {
      take_old();
      changes_.result.push_back(take_new());
      return;
    }
    if (old_entry.kind == LaidKind::tree && is_tree(new_entry) && has_strangers(old_entry.path)) {
      expand_old();
      expand_new();
      return;
    }
    remove_front();
    add_front();
  }

  void remove_front() {
    if (old_.begin()->second.kind == LaidKind::tree && has_strangers(old_.begin()->second.path))
      return expand_old();
    changes_.remove.push_back(take_old());
  }

  void add_front() {
    changes_.result.push_back(new_.begin()->second);
    changes_.add.push_back(take_new());
  }

  void expand_old() {
    for (const LaidEntry& entry : expand_tree(state_, take_old())) add_old(entry);
  }

  void expand_new() {
    for (const Entry& entry : expand_tree(plan_, take_new())) new_.emplace(entry.path, entry);
  }

  const State& state_;
  const Plan& plan_;
  const DiffOptions& options_;
  std::map<RelPath, LaidEntry> old_;
  std::map<RelPath, Entry> new_;
  Changes changes_;
};

template <class Item>
void sort_by_path(std::vector<Item>& items) {
  std::sort(items.begin(), items.end(), [](const Item& a, const Item& b) { return a.path < b.path; });
}

}  // namespace

Changes diff(const State& state, const Plan& plan, const DiffOptions& options) {
  return Merge(state, plan, options).run();
}

std::vector<LaidEntry> expand_tree(const State& state, const LaidEntry& tree) {
  const WheelFacts& facts = state.dists.at(tree.dist).facts;
  std::vector<LaidEntry> below;
  for (const TreeChild& child : children_of(facts, {tree.dist, tree.dir})) {
    LaidEntry entry{tree.path.join(RelPath::parse(child.name)),
                    LaidKind::file,
                    tree.owners,
                    {},
                    tree.dist,
                    0,
                    {},
                    0,
                    0,
                    child.executable,
                    {}};
    if (const auto* dir = std::get_if<StoreTree>(&child.content)) {
      entry.kind = LaidKind::tree;
      entry.dir = dir->dir;
      entry.identity = laid_identity(tree_identity(facts.dir(dir->dir).tree_digest), false, Lay::file, {});
    } else {
      const FileFact& file = facts.file(std::get<StoreFile>(child.content).file);
      entry.sha256 = file.sha256;
      entry.size = file.size;
      entry.mtime_ns = file.mtime * 1'000'000'000;
      entry.identity = laid_identity(file_identity(file.sha256), child.executable, Lay::file, {});
    }
    below.push_back(std::move(entry));
  }
  sort_by_path(below);
  return below;
}

std::vector<Entry> expand_tree(const Plan& plan, const Entry& tree) {
  const auto dir = std::get<StoreTree>(tree.content);
  const WheelFacts& facts = plan.dists.at(dir.wheel).facts;
  const Sha256 linked = tree.lay == Lay::link ? facts.store_id() : Sha256{};
  std::vector<Entry> below;
  for (const TreeChild& child : children_of(facts, dir)) {
    const auto* file = std::get_if<StoreFile>(&child.content);
    const std::string what =
        file != nullptr ? file_identity(facts.file(file->file).sha256)
                        : tree_identity(facts.dir(std::get<StoreTree>(child.content).dir).tree_digest);
    below.push_back({tree.path.join(RelPath::parse(child.name)), tree.owner, tree.sharers, child.content,
                     child.executable, tree.lay, laid_identity(what, child.executable, tree.lay, linked)});
  }
  sort_by_path(below);
  return below;
}

}  // namespace axle
