// Requires-Dist of everything installed against everything installed. Pure. Which of them count:
// plan/requirement_walk.h.

#include <algorithm>

#include "axle/pep/name.h"
#include "axle/pep/requirement.h"
#include "base/text.h"
#include "exec/check.h"
#include "plan/requirement_walk.h"

namespace axle {
namespace {

class DependencyCheck {
 public:
  DependencyCheck(const std::vector<DependencyNode>& nodes,
                  const std::multimap<std::string, std::string>& outside,
                  const MarkerEnvironment& environment)
      : nodes_(nodes), outside_(outside), walk_(environment) {
    for (std::size_t i = 0; i < nodes.size(); ++i) by_name_.emplace(nodes[i].name, i);
  }

  DependencyReport run(const std::string& python_version) {
    for (const DependencyNode& node : nodes_) {
      if (node.metadata) check_python(node, python_version);
      walk_.add(node.metadata ? parse(node) : std::vector<std::optional<Requirement>>());
    }
    walk_.run(
        [this](std::size_t node, std::size_t, const Requirement& requirement, const std::string&) {
          ++report_.requirements;
          judge(nodes_[node], requirement);
        },
        [this](std::size_t node, const Requirement& requirement, const std::string& why) {
          problem(Severity::warning, "metadata-invalid", nodes_[node],
                  "the marker of " + quoted(requirement.str()) + " has no value: " + why, "");
        });
    std::sort(report_.edges.begin(), report_.edges.end());
    report_.edges.erase(std::unique(report_.edges.begin(), report_.edges.end()), report_.edges.end());
    return std::move(report_);
  }

 private:
  void problem(Severity severity, std::string kind, const DependencyNode& node, std::string message,
               std::string hint) {
    report_.problems.push_back(
        {severity, std::move(kind), node.name, node.path, std::move(message), std::move(hint)});
  }

  void check_python(const DependencyNode& node, const std::string& python_version) {
    if (!node.metadata->requires_python) return;
    const auto wanted = SpecifierSet::try_parse(*node.metadata->requires_python);
    if (!wanted) {
      problem(Severity::warning, "metadata-invalid", node,
              "Requires-Python " + quoted(*node.metadata->requires_python) + " is no version specifier", "");
    } else if (!wanted->contains(python_version, true)) {
      problem(Severity::error, "requires-python", node,
              node.name + " " + node.version + " needs Python " + wanted->str() + "; this one is " +
                  python_version,
              "install a version of it that was made for this Python");
    }
  }

  std::vector<std::optional<Requirement>> parse(const DependencyNode& node) {
    std::vector<std::optional<Requirement>> requirements;
    for (const std::string& text : node.metadata->requires_dist) {
      requirements.push_back(Requirement::try_parse(text));
      if (requirements.back()) continue;
      problem(Severity::warning, "metadata-invalid", node,
              "Requires-Dist " + quoted(text) + " is no requirement", "");
    }
    return requirements;
  }

  void judge(const DependencyNode& node, const Requirement& requirement) {
    const std::string wanted = normalize_name(requirement.name);
    std::string found;  // a version that does not do
    bool present = false;
    bool met = false;
    const auto consider = [&](const std::string& version) {
      present = true;
      if (requirement.url || version.empty() || requirement.specifier.contains(version, true)) {
        met = true;
      } else {
        found = version;
      }
    };
    const auto [first, last] = by_name_.equal_range(wanted);
    for (auto it = first; it != last; ++it) {
      consider(nodes_[it->second].version);
      for (const std::string& extra : requirement.extras) walk_.ask(it->second, normalize_name(extra));
      if (wanted != node.name) report_.edges.emplace_back(node.name, wanted);
    }
    const auto [outside, outside_end] = outside_.equal_range(wanted);
    for (auto it = outside; it != outside_end; ++it) consider(it->second);
    if (met) return;
    const std::string asks = node.name + " " + node.version + " needs " + requirement.str();
    if (present) {
      problem(Severity::error, "dependency-version", node, asks + "; version " + found + " is installed",
              "install a version of " + wanted + " that fits");
    } else {
      problem(Severity::error, "dependency-missing", node, asks + ", which is not installed",
              "install " + wanted);
    }
  }

  const std::vector<DependencyNode>& nodes_;
  const std::multimap<std::string, std::string>& outside_;
  RequirementWalk walk_;
  std::multimap<std::string, std::size_t> by_name_;
  DependencyReport report_;
};

}  // namespace

DependencyReport check_dependencies(const std::vector<DependencyNode>& nodes,
                                    const std::multimap<std::string, std::string>& outside,
                                    const MarkerEnvironment& environment, const std::string& python_version) {
  return DependencyCheck(nodes, outside, environment).run(python_version);
}

}  // namespace axle
