#include "plan/dependency_graph.h"

#include <algorithm>
#include <map>

#include "axle/pep/name.h"
#include "axle/pep/requirement.h"
#include "plan/requirement_walk.h"

namespace axle {
namespace {

class GraphMaker {
 public:
  GraphMaker(const std::vector<DependencyPackage>& packages, const MarkerEnvironment& environment)
      : packages_(packages), walk_(environment), counted_(packages.size()) {
    graph_.of.resize(packages.size());
    graph_.wanted.resize(packages.size());
    for (std::size_t i = 0; i < packages.size(); ++i) {
      by_name_.emplace(packages[i].name, i);
      std::vector<std::optional<Requirement>> requirements;
      for (const std::string& text : packages[i].requires_dist)
        requirements.push_back(Requirement::try_parse(text));
      walk_.add(std::move(requirements));
    }
  }

  DependencyGraph make() {
    walk_.run([this](std::size_t package, std::size_t index, const Requirement& requirement,
                     const std::string& extra) { count(package, index, requirement, extra); },
              [](std::size_t, const Requirement&, const std::string&) {});
    for (std::size_t i = 0; i < packages_.size(); ++i) {
      for (auto& [order, dependency] : counted_[i]) graph_.of[i].push_back(std::move(dependency));
    }
    find_roots();
    return std::move(graph_);
  }

 private:
  void count(std::size_t package, std::size_t index, const Requirement& requirement,
             const std::string& extra) {
    Dependency dependency;
    Requirement bare = requirement;
    bare.marker.reset();
    dependency.requirement = bare.str();
    dependency.name = normalize_name(requirement.name);
    if (requirement.marker) dependency.marker = requirement.marker->str();
    dependency.for_extra = extra;
    for (const std::string& one : requirement.extras) dependency.extras.push_back(normalize_name(one));
    if (const auto found = by_name_.find(dependency.name); found != by_name_.end()) {
      dependency.package = found->second;
      dependency.met = requirement.url.has_value() ||
                       requirement.specifier.contains(packages_[found->second].version, true);
      for (const std::string& one : dependency.extras) {
        walk_.ask(found->second, one);
        graph_.wanted[found->second].insert(one);
      }
    }
    counted_[package].emplace(index, std::move(dependency));
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
  RequirementWalk walk_;
  std::vector<std::map<std::size_t, Dependency>> counted_;
  std::map<std::string, std::size_t> by_name_;
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
