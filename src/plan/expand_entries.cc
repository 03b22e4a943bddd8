#include "plan/expand_entries.h"

#include <algorithm>

#include "plan/path_tree.h"

namespace axle {
namespace {

// Whether one of the directories is this one or lies below it.
bool holds_any(const std::string& path, const DirectorySet& directories) {
  if (directories.contains(path)) return true;
  const std::string prefix = path + "/";
  const auto below = directories.lower_bound(prefix);
  return below != directories.end() && below->starts_with(prefix);
}

}  // namespace

void expand_entries(Plan& plan, const DirectorySet& directories) {
  if (directories.empty()) return;
  std::vector<Entry> kept;
  std::vector<Entry> todo;
  kept.reserve(plan.entries.size());
  bool changed = false;
  for (Entry& entry : plan.entries) {
    todo.push_back(std::move(entry));
    while (!todo.empty()) {
      Entry one = std::move(todo.back());
      todo.pop_back();
      const auto* tree = std::get_if<StoreTree>(&one.content);
      if (tree == nullptr || !holds_any(one.path.str(), directories)) {
        kept.push_back(std::move(one));
        continue;
      }
      changed = true;
      for (const TreeChild& child : children_of(plan.dists[tree->wheel].facts, *tree)) {
        todo.push_back({one.path.join(RelPath::parse(child.name)),
                        one.owner,
                        one.sharers,
                        child.content,
                        child.executable,
                        one.lay,
                        {}});
      }
    }
  }
  plan.entries = std::move(kept);
  if (!changed) return;
  std::sort(plan.entries.begin(), plan.entries.end(),
            [](const Entry& a, const Entry& b) { return a.path < b.path; });
}

void add_directories_of(std::string_view path, DirectorySet& into) {
  for (std::size_t at = path.find('/'); at != std::string_view::npos; at = path.find('/', at + 1))
    into.emplace(path.substr(0, at));
}

}  // namespace axle
