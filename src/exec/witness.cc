#include "exec/witness.h"

#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <set>
#include <string_view>

#include "base/file.h"
#include "base/sorted.h"

namespace axle {
namespace {

std::string name_of(const std::string& path) { return path.empty() ? "." : path; }

void look_at(const Fd& root, const std::string& path, std::vector<Witness>& witnesses) {
  if (const auto status = try_stat(root.get(), name_of(path)))
    witnesses.push_back({path, status->st_ino, mtime_ns(*status)});
}

// Whether an entry of the list is the directory or lies in it.
class ChangedPaths {
 public:
  explicit ChangedPaths(const Changes& changes) {
    paths_.reserve(changes.add.size() + changes.remove.size());
    for (const Entry& entry : changes.add) paths_.push_back(&entry.path);
    for (const LaidEntry& entry : changes.remove) paths_.push_back(&entry.path);
    sort_unless_sorted(paths_, [](const RelPath* a, const RelPath* b) { return *a < *b; });
  }

  bool touch(const RelPath& dir) const {
    const auto first = std::lower_bound(paths_.begin(), paths_.end(), dir,
                                        [](const RelPath* a, const RelPath& b) { return *a < b; });
    return first != paths_.end() && (**first == dir || (*first)->is_within(dir));
  }

 private:
  std::vector<const RelPath*> paths_;  // sorted
};

}  // namespace

bool still_holds(const Fd& root, const Witness& place) {
  const auto status = try_stat(root.get(), name_of(place.path));
  return status && status->st_ino == place.inode && mtime_ns(*status) == place.mtime_ns;
}

bool still_holds(const Fd& root, const std::vector<Witness>& places) {
  return std::all_of(places.begin(), places.end(),
                     [&](const Witness& place) { return still_holds(root, place); });
}

bool still_hold_beside(const Fd& root, const std::vector<std::string>& paths,
                       const std::vector<Witness>& places) {
  std::set<std::string_view> parents;
  for (const std::string& path : paths) {
    const std::size_t slash = path.rfind('/');
    parents.insert(slash == std::string::npos ? std::string_view() : std::string_view(path).substr(0, slash));
  }
  return std::all_of(places.begin(), places.end(), [&](const Witness& place) {
    return !parents.contains(place.path) || still_holds(root, place);
  });
}

std::vector<Witness> witness_plan(const Fd& root, const Plan& plan, const Changes& changes,
                                  const std::vector<Witness>& known) {
  std::map<std::string_view, const Witness*> by_path;
  for (const Witness& place : known) by_path.emplace(place.path, &place);
  const ChangedPaths changed(changes);
  std::vector<Witness> witnesses;
  const auto& purelib = plan.layout.purelib;
  const auto& platlib = plan.layout.platlib;
  look_at(root, purelib ? purelib->str() : std::string(), witnesses);
  if (platlib && platlib != purelib) look_at(root, platlib->str(), witnesses);
  for (const Dist& dist : plan.dists) {
    const auto found = by_path.find(dist.dist_info.str());
    if (found != by_path.end() && !changed.touch(dist.dist_info)) {
      witnesses.push_back(*found->second);
    } else {
      look_at(root, dist.dist_info.str(), witnesses);
    }
  }
  return witnesses;
}

}  // namespace axle
