// Requires-Dist of everything installed against everything installed. Pure.
//
// A requirement counts when its marker holds in this environment, with `extra` empty or with an extra that a
// requirement which counts has asked for. So extras spread: a[x] may ask for b[y], which may ask for c; the
// work list below visits each pair of distribution and extra once.

#include <algorithm>
#include <deque>
#include <set>

#include "axle/base/error.h"
#include "axle/pep/name.h"
#include "axle/pep/requirement.h"
#include "base/text.h"
#include "exec/check.h"

namespace axle {
namespace {

struct Parsed {
  std::vector<std::optional<Requirement>> requirements;
  std::set<std::size_t> counted;
};

class DependencyCheck {
 public:
  DependencyCheck(const std::vector<DependencyNode>& nodes,
                  const std::multimap<std::string, std::string>& outside,
                  const MarkerEnvironment& environment)
      : nodes_(nodes), outside_(outside), environment_(environment), parsed_(nodes.size()) {
    for (std::size_t i = 0; i < nodes.size(); ++i) by_name_.emplace(nodes[i].name, i);
  }

  DependencyReport run(const std::string& python_version) {
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      if (!nodes_[i].metadata) continue;
      check_python(nodes_[i], python_version);
      parse(i);
      ask(i, "");
    }
    while (!work_.empty()) {
      const auto [node, extra] = work_.front();
      work_.pop_front();
      visit(node, extra);
    }
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

  void parse(std::size_t node) {
    for (const std::string& text : nodes_[node].metadata->requires_dist) {
      parsed_[node].requirements.push_back(Requirement::try_parse(text));
      if (parsed_[node].requirements.back()) continue;
      problem(Severity::warning, "metadata-invalid", nodes_[node],
              "Requires-Dist " + quoted(text) + " is no requirement", "");
    }
  }

  void ask(std::size_t node, const std::string& extra) {
    if (asked_.emplace(node, extra).second) work_.emplace_back(node, extra);
  }

  const MarkerContext& context(const std::string& extra) {
    const auto known = contexts_.find(extra);
    if (known != contexts_.end()) return known->second;
    MarkerEnvironment environment = environment_;
    environment.extra = extra;
    return contexts_.emplace(extra, MarkerContext(environment)).first->second;
  }

  void visit(std::size_t node, const std::string& extra) {
    Parsed& parsed = parsed_[node];
    for (std::size_t i = 0; i < parsed.requirements.size(); ++i) {
      const auto& requirement = parsed.requirements[i];
      if (!requirement || parsed.counted.contains(i)) continue;
      if (requirement->marker) {
        try {
          if (!requirement->marker->evaluate(context(extra))) continue;
        } catch (const Error& error) {
          problem(Severity::warning, "metadata-invalid", nodes_[node],
                  "the marker of " + quoted(requirement->str()) + " has no value: " + error.message(), "");
          parsed.counted.insert(i);
          continue;
        }
      }
      parsed.counted.insert(i);
      ++report_.requirements;
      judge(nodes_[node], *requirement);
    }
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
      for (const std::string& extra : requirement.extras) ask(it->second, normalize_name(extra));
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
  const MarkerEnvironment& environment_;
  std::vector<Parsed> parsed_;
  std::multimap<std::string, std::size_t> by_name_;
  std::map<std::string, MarkerContext> contexts_;
  std::set<std::pair<std::size_t, std::string>> asked_;
  std::deque<std::pair<std::size_t, std::string>> work_;
  DependencyReport report_;
};

}  // namespace

DependencyReport check_dependencies(const std::vector<DependencyNode>& nodes,
                                    const std::multimap<std::string, std::string>& outside,
                                    const MarkerEnvironment& environment, const std::string& python_version) {
  return DependencyCheck(nodes, outside, environment).run(python_version);
}

}  // namespace axle
