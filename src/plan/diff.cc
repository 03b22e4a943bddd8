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
// directory there, the link goes. The reverse, a real directory that is to be one link again because its
// other owners left, is *joined*: all that is recorded in it goes, and it with them, by one rename. Not so
// where somebody keeps files of his own, and not so for the directories of the layout, which are everybody's.
// The dist-info of a distribution that goes is taken away in the same way.

#include "axle/plan/diff.h"

#include <algorithm>
#include <deque>

#include "plan/identity.h"
#include "plan/path_tree.h"

namespace axle {
namespace {

bool is_tree(const Entry& entry) noexcept { return std::holds_alternative<StoreTree>(entry.content); }

// A --target is all the caller's own, and nothing in it is there before the first distribution.
bool is_above_places(const Layout& layout, const RelPath& dir) {
  if (layout.kind == LayoutKind::target) return false;
  for (const auto* place : {&layout.purelib, &layout.platlib, &layout.scripts, &layout.headers}) {
    if (*place && (*place)->is_within(dir)) return true;
  }
  return false;
}

template <class Item>
bool by_path(const Item* a, const Item* b) {
  return a->path < b->path;
}

// One side of the merge, with the next item at the end of a stack. When a tree is expanded, its children take
// its place there, among what else lies below it.
template <class Item>
class Side {
 public:
  explicit Side(const std::vector<Item>& items) {
    std::vector<const Item*> all;
    all.reserve(items.size());
    for (const Item& item : items) all.push_back(&item);
    stack_.reserve(items.size());
    push(std::move(all));
  }

  bool empty() const noexcept { return stack_.empty(); }
  const Item& next() const { return *stack_.back(); }
  // The next item lives as long as this does.
  const Item& take() {
    const Item* item = stack_.back();
    stack_.pop_back();
    return *item;
  }

  void expand(std::vector<Item> children) {
    const RelPath& dir = take().path;
    std::vector<const Item*> below;
    while (!stack_.empty() && stack_.back()->path.is_within(dir)) below.push_back(&take());
    for (Item& child : children) {
      made_.push_back(std::move(child));
      below.push_back(&made_.back());
    }
    push(std::move(below));
  }

 private:
  void push(std::vector<const Item*> items) {
    if (!std::is_sorted(items.begin(), items.end(), by_path<Item>)) {
      std::stable_sort(items.begin(), items.end(), by_path<Item>);
    }
    const std::size_t bottom = stack_.size();
    for (const Item* item : items) {
      if (stack_.size() > bottom && stack_.back()->path == item->path) {
        stack_.back() = joined(*stack_.back(), *item);
      } else {
        stack_.push_back(item);
      }
    }
    std::reverse(stack_.begin() + static_cast<std::ptrdiff_t>(bottom), stack_.end());
  }

  // Two distributions may record one path (another tool wrote into a directory of ours): it has both as
  // owners.
  const LaidEntry* joined(const LaidEntry& first, const LaidEntry& second) {
    made_.push_back(first);
    std::vector<DistId>& owners = made_.back().owners;
    owners.insert(owners.end(), second.owners.begin(), second.owners.end());
    return &made_.back();
  }
  static const Entry* joined(const Entry& first, const Entry&) { return &first; }

  std::vector<const Item*> stack_;
  std::deque<Item> made_;  // references stay valid
};

class Merge {
 public:
  Merge(const State& state, const Plan& plan, const DiffOptions& options)
      : state_(state), plan_(plan), options_(options), old_(state.entries), new_(plan.entries) {
    changes_.result.reserve(plan.entries.size());
  }

  Changes run() {
    while (!old_.empty() || !new_.empty()) step();
    join_left_dist_infos();
    return std::move(changes_);
  }

 private:
  bool has_strangers(const RelPath& dir) const {
    if (options_.directories == DiffOptions::Directories::expanded) return true;
    const auto first = options_.strangers.lower_bound(dir);
    return first != options_.strangers.end() && first->is_within(dir);
  }

  bool must_relay(const Entry& entry) const {
    if (entry.owner == environment_itself) return options_.relay_scope == DiffOptions::Relay::all;
    const Dist& dist = plan_.dists[entry.owner];
    if (!dist.recorded) return false;  // another tool's: there is nothing to lay it from
    return options_.relay_scope == DiffOptions::Relay::all || options_.relay.contains(dist.name);
  }

  // What another tool's RECORD tells is a promise: there may be links, other modes, other bytes, also where
  // a distribution of ours shares the file. It is kept while that tool's distribution stays.
  bool is_known(const LaidEntry& laid, const Entry& planned) const {
    bool ours = false, theirs = false;
    for (const DistId owner : laid.owners) {
      if (owner == environment_itself || state_.dists[owner].ours) {
        ours = true;
      } else if (!stays_with_its_tool(plan_, state_.dists[owner])) {
        theirs = true;
      }
    }
    const bool can_lay = planned.owner == environment_itself ||
                         !options_.not_at_hand.contains(plan_.dists[planned.owner].name);
    return ours && !(theirs && can_lay);
  }

  void step() {
    if (new_.empty()) return remove_front();
    if (old_.empty()) return add_front();
    const LaidEntry& old_entry = old_.next();
    const Entry& new_entry = new_.next();
    if (old_entry.path == new_entry.path) return same_path();
    if (new_entry.path.is_within(old_entry.path)) {
      if (old_entry.kind == LaidKind::tree) return expand_old();
      return remove_front();
    }
    if (old_entry.path.is_within(new_entry.path)) {
      if (is_tree(new_entry)) return can_join(new_entry) ? join() : expand_new();
      return remove_front();
    }
    if (old_entry.path < new_entry.path) return remove_front();
    add_front();
  }

  bool can_join(const Entry& tree) const {
    return tree.lay == Lay::link && !has_strangers(tree.path) && !is_above_places(plan_.layout, tree.path);
  }

  void join() {
    const Entry& tree = new_.next();
    changes_.join.push_back(tree.path);
    while (!old_.empty() && old_.next().path.is_within(tree.path)) changes_.remove.push_back(old_.take());
    add_front();
  }

  // The dist-info of a distribution that goes was nobody else's: all of it goes by one rename.
  void join_left_dist_infos() {
    const auto first_in = [](const auto& items, const RelPath& dir) {
      return std::lower_bound(items.begin(), items.end(), dir,
                              [](const auto& item, const RelPath& path) { return item.path < path; });
    };
    for (const LaidDist& dist : state_.dists) {
      const RelPath& dir = dist.dist_info;
      const auto stays = first_in(changes_.result, dir);
      if (!dist.ours || has_strangers(dir) || (stays != changes_.result.end() && stays->path.is_within(dir)))
        continue;
      const auto goes = first_in(changes_.remove, dir);
      if (goes == changes_.remove.end() || !goes->path.is_within(dir) || goes->path == dir) continue;
      changes_.join.push_back(dir);
    }
    std::sort(changes_.join.begin(), changes_.join.end());
  }

  void same_path() {
    const LaidEntry& old_entry = old_.next();
    const Entry& new_entry = new_.next();
    const bool same =
        old_entry.identity == new_entry.identity && !must_relay(new_entry) && is_known(old_entry, new_entry);
    // Another tool's stays as it is, also where it is a link.
    const bool stays = new_entry.owner != environment_itself && !plan_.dists[new_entry.owner].recorded;
    if (same || stays ||
        (old_entry.kind == LaidKind::directory && std::holds_alternative<Directory>(new_entry.content))) {
      old_.take();
      changes_.result.push_back(new_.take());
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
    if (old_.next().kind == LaidKind::tree && has_strangers(old_.next().path)) return expand_old();
    changes_.remove.push_back(old_.take());
  }

  void add_front() {
    const Entry& entry = new_.take();
    changes_.result.push_back(entry);
    changes_.add.push_back(entry);
  }

  void expand_old() { old_.expand(expand_tree(state_, old_.next())); }
  void expand_new() { new_.expand(expand_tree(plan_, new_.next())); }

  const State& state_;
  const Plan& plan_;
  const DiffOptions& options_;
  Side<LaidEntry> old_;
  Side<Entry> new_;
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

bool stays_with_its_tool(const Plan& plan, const LaidDist& dist) {
  return std::any_of(plan.dists.begin(), plan.dists.end(), [&](const Dist& planned) {
    return !planned.recorded && planned.dist_info == dist.dist_info;
  });
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
                     child.executable, tree.lay,
                     laid_identity(what + link_suffix(plan, tree.lay), child.executable, tree.lay, linked)});
  }
  sort_by_path(below);
  return below;
}

}  // namespace axle
