#include "plan/dependency_graph.h"

#include <algorithm>
#include <deque>
#include <map>

#include "axle/base/error.h"
#include "axle/pep/name.h"
#include "axle/pep/requirement.h"

namespace axle {
namespace {

class GraphMaker {
 public:
  GraphMaker(const std::vector<DependencyPackage>& packages, const MarkerEnvironment& environment)
      : packages_(packages), environment_(environment), parsed_(packages.size()), counted_(packages.size()) {
    graph_.of.resize(packages.size());
    graph_.wanted.resize(packages.size());
    for (std::size_t i = 0; i < packages.size(); ++i) {
      by_name_.emplace(packages[i].name, i);
      for (const std::string& text : packages[i].requires_dist) {
        parsed_[i].push_back(Requirement::try_parse(text));
      }
    }
  }

  DependencyGraph make() {
    for (std::size_t i = 0; i < packages_.size(); ++i) ask(i, "");
    while (!work_.empty()) {
      const auto [package, extra] = work_.front();
      work_.pop_front();
      visit(package, extra);
    }
    for (std::size_t i = 0; i < packages_.size(); ++i) {
      for (auto& [order, dependency] : counted_[i]) graph_.of[i].push_back(std::move(dependency));
    }
    find_roots();
    return std::move(graph_);
  }

 private:
  void ask(std::size_t package, const std::string& extra) {
    if (!asked_.emplace(package, extra).second) return;
    if (!extra.empty()) graph_.wanted[package].insert(extra);
    work_.emplace_back(package, extra);
  }

  bool holds(const Requirement& requirement, const std::string& extra) {
    if (!requirement.marker) return true;
    auto known = contexts_.find(extra);
    if (known == contexts_.end()) {
      MarkerEnvironment environment = environment_;
      environment.extra = extra;
      known = contexts_.emplace(extra, MarkerContext(environment)).first;
    }
    try {
      return requirement.marker->evaluate(known->second);
    } catch (const Error&) {
      return false;
    }
  }

  void visit(std::size_t package, const std::string& extra) {
    for (std::size_t i = 0; i < parsed_[package].size(); ++i) {
      const auto& requirement = parsed_[package][i];
      if (!requirement || counted_[package].contains(i) || !holds(*requirement, extra)) continue;
      Dependency dependency;
      Requirement bare = *requirement;
      bare.marker.reset();
      dependency.requirement = bare.str();
      dependency.name = normalize_name(requirement->name);
      if (requirement->marker) dependency.marker = requirement->marker->str();
      dependency.for_extra = extra;
      for (const std::string& one : requirement->extras) dependency.extras.push_back(normalize_name(one));
      if (const auto found = by_name_.find(dependency.name); found != by_name_.end()) {
        dependency.package = found->second;
        dependency.met = requirement->url.has_value() ||
                         requirement->specifier.contains(packages_[found->second].version, true);
        for (const std::string& one : dependency.extras) ask(found->second, one);
      }
      counted_[package].emplace(i, std::move(dependency));
    }
  }

  // Marks all that is reached from a package. Iterative: metadata chooses the depth.
  void reach(std::size_t from, std::vector<bool>& reached) const {
    std::vector<std::size_t> work{from};
    reached[from] = true;
    while (!work.empty()) {
      const std::size_t package = work.back();
      work.pop_back();
      for (const Dependency& dependency : graph_.of[package]) {
        if (!dependency.package || reached[*dependency.package]) continue;
        reached[*dependency.package] = true;
        work.push_back(*dependency.package);
      }
    }
  }

  void find_roots() {
    std::vector<bool> required(packages_.size());
    for (std::size_t i = 0; i < packages_.size(); ++i) {
      for (const Dependency& dependency : graph_.of[i]) {
        if (dependency.package && *dependency.package != i) required[*dependency.package] = true;
      }
    }
    std::vector<bool> reached(packages_.size());
    for (std::size_t i = 0; i < packages_.size(); ++i) {
      if (required[i]) continue;
      graph_.roots.push_back(i);
      reach(i, reached);
    }
    for (std::size_t i = 0; i < packages_.size(); ++i) {
      if (reached[i]) continue;
      graph_.roots.push_back(i);
      reach(i, reached);
    }
    std::sort(graph_.roots.begin(), graph_.roots.end());
  }

  const std::vector<DependencyPackage>& packages_;
  const MarkerEnvironment& environment_;
  std::vector<std::vector<std::optional<Requirement>>> parsed_;
  std::vector<std::map<std::size_t, Dependency>> counted_;
  std::map<std::string, std::size_t> by_name_;
  std::map<std::string, MarkerContext> contexts_;
  std::set<std::pair<std::size_t, std::string>> asked_;
  std::deque<std::pair<std::size_t, std::string>> work_;
  DependencyGraph graph_;
};

// A line of the tree and where its subtree has got to. Explicit, because metadata chooses the depth.
struct Frame {
  std::size_t package;
  std::size_t next = 0;
  std::string indent;
};

}  // namespace

DependencyGraph make_dependency_graph(const std::vector<DependencyPackage>& packages,
                                      const MarkerEnvironment& environment) {
  return GraphMaker(packages, environment).make();
}

std::string render_tree(const std::vector<DependencyPackage>& packages, const DependencyGraph& graph,
                        const std::vector<std::size_t>& from) {
  std::string text;
  std::vector<bool> shown(packages.size());
  for (const std::size_t root : from) {
    text += packages[root].name + " " + packages[root].version;
    if (shown[root]) {
      text += graph.of[root].empty() ? "\n" : " (*)\n";
      continue;
    }
    text += "\n";
    shown[root] = true;
    std::vector<bool> open(packages.size());
    std::vector<Frame> stack{{root, 0, ""}};
    open[root] = true;
    while (!stack.empty()) {
      Frame& frame = stack.back();
      const std::vector<Dependency>& below = graph.of[frame.package];
      if (frame.next == below.size()) {
        open[frame.package] = false;
        stack.pop_back();
        continue;
      }
      const Dependency& dependency = below[frame.next++];
      const bool last = frame.next == below.size();
      const std::string indent = frame.indent + (last ? "    " : "|   ");
      text += frame.indent + (last ? "`-- " : "|-- ");
      if (!dependency.package) {
        text += dependency.requirement + " (missing)";
      } else {
        const DependencyPackage& package = packages[*dependency.package];
        text += package.name + " " + package.version + " [" + dependency.requirement + "]";
        if (!dependency.met) text += " (version does not do)";
      }
      if (!dependency.for_extra.empty()) text += " (extra " + dependency.for_extra + ")";
      if (dependency.package) {
        const std::size_t next = *dependency.package;
        if (open[next]) {
          text += " (cycle)";
        } else if (shown[next]) {
          if (!graph.of[next].empty()) text += " (*)";
        } else {
          text += "\n";
          shown[next] = true;
          open[next] = true;
          stack.push_back({next, 0, indent});
          continue;
        }
      }
      text += "\n";
    }
  }
  return text;
}

}  // namespace axle
