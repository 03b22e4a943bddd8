// Which packages of a lock are wanted.
//
// Complete locks say so for each package by itself: a condition on groups, extras and the target. The others
// are graphs: the walk starts at the project's own packages, with the dependencies, the extras and the groups
// that are on, and follows every edge whose marker is true; a package is entered once for itself and once for
// each of its extras.
//
// Two things make it more than a search:
// - uv.lock can hold markers that ask which extras of which package are on ("extra-4-proj-cpu": the length
// keeps
//   names and extras apart). Those on at the start are known; further ones are met on the way, and may switch
//   other edges. So the walk is repeated with what it met, until it meets nothing new.
// - poetry.lock before 2.1 and pdm.lock without inherit_metadata give ranges, not versions. Of the locked
// versions of a
//   name the highest that all edges met so far allow is taken; when a later edge forbids it, the walk starts
//   again with that edge remembered. Each start remembers one more edge, so it ends.

#include <algorithm>
#include <deque>
#include <map>

#include "base/text.h"
#include "plan/select_parts.h"

namespace axle::selection {
namespace {

std::vector<ActivePackage> each(const Lock& lock, const SelectionRequest& request, const ActiveParts& parts) {
  Verdicts verdicts(lock, marker_environment(lock, request, parts));
  const auto is_on = [&](const std::string& group) {
    if (group == lock.base_group) return parts.base || parts.groups.contains(group);
    // pdm keeps extras and groups under one set of names.
    return parts.groups.contains(group) || (lock.format == LockFormat::pdm && parts.extras.contains(group));
  };
  std::vector<ActivePackage> active;
  for (std::size_t i = 0; i < lock.packages.size(); ++i) {
    const LockPackage& package = lock.packages[i];
    const bool wanted =
        package.groups.empty() ||
        std::any_of(package.groups.begin(), package.groups.end(), [&](const GroupMembership& one) {
          return is_on(one.group) && verdicts.holds(one.marker);
        });
    if (wanted && verdicts.holds(package.marker)) active.push_back({i, package.requested});
  }
  return active;
}

std::string encoded(std::string_view kind, const std::string& package, const std::string& part) {
  std::string text = std::string(kind) + "-" + std::to_string(package.size()) + "-" + package;
  if (!part.empty()) text += "-" + part;
  return text;
}

constexpr std::size_t max_starts = 1000;

class Walk {
 public:
  Walk(const Lock& lock, const SelectionRequest& request, const ActiveParts& parts, Problems& problems)
      : lock_(lock),
        request_(request),
        parts_(parts),
        problems_(problems),
        first_problem_(problems.size()),
        python_(python_version(request)) {
    for (std::size_t i = 0; i < lock.packages.size(); ++i) by_name_[lock.packages[i].name].push_back(i);
    versions_.resize(lock.packages.size());
  }

  std::vector<ActivePackage> run() {
    for (const std::size_t root : lock_.roots) add_root_switches(lock_.packages[root]);
    for (std::size_t start = 0; start < max_starts; ++start) {
      const std::size_t before = switches_.size();
      if (once() && switches_.size() == before) {
        check_conflicts();
        return result();
      }
    }
    throw Error(ErrorCode::bad_input, lock_.place({0, 0, 0}),
                "the dependencies of the lock contradict each other");
  }

 private:
  struct Step {
    std::size_t package;
    std::string extra;  // "": the package itself
  };

  void add_root_switches(const LockPackage& root) {
    if (lock_.format != LockFormat::uv || root.name.empty()) return;
    if (parts_.base) switches_.insert(encoded("project", root.name, ""));
    for (const NamedEdges& part : root.extra_dependencies) {
      if (parts_.extras.contains(part.name)) switches_.insert(encoded("extra", root.name, part.name));
    }
    for (const NamedEdges& part : root.group_dependencies) {
      if (parts_.groups.contains(part.name)) switches_.insert(encoded("group", root.name, part.name));
    }
  }

  // False when it must start again.
  bool once() {
    entered_.clear();
    queue_.clear();
    chosen_.clear();
    failed_.clear();
    problems_.erase(problems_.begin() + static_cast<std::ptrdiff_t>(first_problem_), problems_.end());
    MarkerEnvironment environment = marker_environment(lock_, request_, parts_);
    if (lock_.format == LockFormat::uv) environment.extras = switches_;
    Verdicts verdicts(lock_, environment);
    verdicts_ = &verdicts;
    bool complete = true;
    for (const std::size_t root : lock_.roots) complete = complete && start_at(root);
    while (complete && !queue_.empty()) {
      const Step step = queue_.front();
      queue_.pop_front();
      const LockPackage& package = lock_.packages[step.package];
      if (step.extra.empty()) {
        complete = follow(package.dependencies, step.package, false);
        continue;
      }
      for (const NamedEdges& part : package.extra_dependencies) {
        if (complete && part.name == step.extra) complete = follow(part.edges, step.package, false);
      }
    }
    verdicts_ = nullptr;
    return complete;
  }

  bool start_at(std::size_t root) {
    const LockPackage& package = lock_.packages[root];
    bool complete = true;
    if (parts_.base) {
      entered_[root].requested = true;
      if (entered_[root].extras.insert("").second) complete = follow(package.dependencies, root, true);
    }
    for (const NamedEdges& part : package.extra_dependencies) {
      if (complete && parts_.base && parts_.extras.contains(part.name) &&
          entered_[root].extras.insert(part.name).second) {
        complete = follow(part.edges, root, true);
      }
    }
    for (const NamedEdges& part : package.group_dependencies) {
      if (complete && parts_.groups.contains(part.name)) complete = follow(part.edges, root, true);
    }
    return complete;
  }

  bool follow(const std::vector<LockEdge>& edges, std::size_t from, bool requested) {
    for (const LockEdge& edge : edges) {
      if (edge.optional || !holds(edge, from)) continue;
      const auto package = target_of(edge);
      if (!package) return false;
      if (*package == none) continue;
      enter(*package, edge, requested);
    }
    return true;
  }

  bool holds(const LockEdge& edge, std::size_t from) {
    if (edge.marker == no_marker) return true;
    if (lock_.format != LockFormat::uv && lock_.markers[edge.marker].marker.uses_extra()) {
      return verdicts_->holds_with(edge.marker, entered_[from].extras);
    }
    return verdicts_->holds(edge.marker);
  }

  void enter(std::size_t package, const LockEdge& edge, bool requested) {
    Entered& entered = entered_[package];
    entered.requested = entered.requested || requested;
    if (entered.extras.insert("").second) queue_.push_back({package, ""});
    for (const std::string& extra : edge.extras) {
      // pdm's entry for several extras at once has them joined; the parts may also stand alone.
      const bool exact = has_extra(lock_.packages[package], extra);
      for (const std::string_view one : split(extra, exact ? '\0' : ',')) {
        std::string name(one);
        if (lock_.format == LockFormat::uv && !lock_.conflicts.empty()) {
          switches_.insert(encoded("extra", lock_.packages[package].name, name));
        }
        if (!entered.extras.insert(name).second) continue;
        queue_.push_back({package, std::move(name)});
        // Markers of the package's own edges may ask for the extra: they are asked again.
        if (lock_.format == LockFormat::poetry) queue_.push_back({package, ""});
      }
    }
  }

  static bool has_extra(const LockPackage& package, const std::string& extra) {
    return std::any_of(package.extra_dependencies.begin(), package.extra_dependencies.end(),
                       [&](const NamedEdges& part) { return part.name == extra; });
  }

  static constexpr std::size_t none = static_cast<std::size_t>(-1);

  // The package at the end of an edge; `none` with a problem when there is none, nullopt to start again.
  std::optional<std::size_t> target_of(const LockEdge& edge) {
    const auto found = by_name_.find(edge.name);
    if (found == by_name_.end()) return missing(edge);
    if (lock_.format == LockFormat::uv) return exact_target(edge, found->second);
    return ranged_target(edge, found->second);
  }

  std::size_t missing(const LockEdge& edge) {
    if (failed_.insert(edge.name).second) {
      problems_.push_back({ProblemKind::unsatisfied, edge.name,
                           "the lock has no " + edge.name + (edge.version.empty() ? "" : " " + edge.version) +
                               (edge.range.text.empty() ? "" : " " + edge.range.text) + ", which is needed",
                           "write the lock anew", lock_.place(edge.place)});
    }
    return none;
  }

  std::size_t exact_target(const LockEdge& edge, const std::vector<std::size_t>& packages) {
    std::vector<std::size_t> fitting;
    for (const std::size_t i : packages) {
      const LockPackage& package = lock_.packages[i];
      if (!edge.version.empty() && package.version != edge.version) continue;
      if (!edge.source.empty() && package.source.location != edge.source) continue;
      if (!in_range(i, edge)) continue;
      fitting.push_back(i);
    }
    if (fitting.empty()) return missing(edge);
    if (fitting.size() > 1 && failed_.insert(edge.name).second) {
      problems_.push_back(
          {ProblemKind::ambiguous, edge.name,
           "several packages are called " + edge.name + ", and the dependency does not say which",
           "write the lock anew", lock_.place(edge.place)});
    }
    return fitting.front();
  }

  const std::optional<Version>& version(std::size_t package) {
    auto& known = versions_[package];
    if (!known) known = Version::try_parse(lock_.packages[package].version);
    return *known;
  }

  // Packages without a version (directories) fit every range.
  bool in_range(std::size_t package, const LockEdge& edge) {
    if (edge.range.any_of.empty()) return true;
    const auto& found = version(package);
    return !found || edge.range.contains(*found);
  }

  std::optional<std::size_t> ranged_target(const LockEdge& edge, const std::vector<std::size_t>& packages) {
    if (const auto chosen = chosen_.find(edge.name); chosen != chosen_.end()) {
      if (in_range(chosen->second, edge)) return chosen->second;
      remembered_[edge.name].push_back(&edge);
      chosen_.clear();
      return std::nullopt;
    }
    std::size_t best = none;
    for (const std::size_t i : packages) {
      if (!lock_.packages[i].requires_python.contains(python_) || !in_range(i, edge)) continue;
      const auto& others = remembered_[edge.name];
      if (!std::all_of(others.begin(), others.end(), [&](const LockEdge* one) { return in_range(i, *one); }))
        continue;
      if (best == none || (version(i) && (!version(best) || *version(i) > *version(best)))) best = i;
    }
    if (best == none) return missing(edge);
    chosen_.emplace(edge.name, best);
    return best;
  }

  // Two members of one set that are on.
  void check_conflicts() {
    for (const auto& set : lock_.conflicts) {
      std::vector<std::string> on;
      for (const ConflictMember& member : set) {
        const bool extra = !member.extra.empty();
        const bool group = !member.group.empty();
        const std::string name = extra   ? encoded("extra", member.package, member.extra)
                                 : group ? encoded("group", member.package, member.group)
                                         : encoded("project", member.package, "");
        if (!switches_.contains(name)) continue;
        on.push_back(extra   ? "extra " + quoted(member.extra)
                     : group ? "group " + quoted(member.group)
                             : "project " + quoted(member.package));
      }
      if (on.size() < 2) continue;
      std::string text = on.front();
      for (std::size_t i = 1; i < on.size(); ++i) text += " and " + on[i];
      problems_.push_back({ProblemKind::conflict, "", text + " are declared incompatible",
                           "choose one of them", lock_.place({0, 0, 0})});
    }
  }

  std::vector<ActivePackage> result() const {
    std::vector<ActivePackage> active;
    for (const auto& [package, entered] : entered_) active.push_back({package, entered.requested});
    return active;
  }

  struct Entered {
    std::set<std::string> extras;  // "": the package itself
    bool requested = false;
  };

  const Lock& lock_;
  const SelectionRequest& request_;
  const ActiveParts& parts_;
  Problems& problems_;
  std::size_t first_problem_;  // those of this walk begin here
  Version python_;
  Verdicts* verdicts_ = nullptr;
  std::map<std::string, std::vector<std::size_t>, std::less<>> by_name_;
  std::vector<std::optional<std::optional<Version>>> versions_;
  std::set<std::string> switches_;
  std::map<std::size_t, Entered> entered_;
  std::deque<Step> queue_;
  std::map<std::string, std::size_t> chosen_;
  std::map<std::string, std::vector<const LockEdge*>> remembered_;
  std::set<std::string> failed_;  // names that have their problem already
};

}  // namespace

std::vector<ActivePackage> find_active(const Lock& lock, const SelectionRequest& request,
                                       const ActiveParts& parts, Problems& problems) {
  if (lock.activation == Activation::each) return each(lock, request, parts);
  return Walk(lock, request, parts, problems).run();
}

}  // namespace axle::selection
