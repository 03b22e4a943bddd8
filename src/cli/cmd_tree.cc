// axle tree [NAME]...: who needs whom.

#include <algorithm>

#include "axle/base/error.h"
#include "axle/pep/name.h"
#include "cli/commands.h"
#include "cli/described.h"
#include "cli/report.h"

namespace axle::cli {
namespace {

Json graph_to_json(const Described& described, const DependencyGraph& graph,
                   const std::vector<std::size_t>& from) {
  Json roots = Json::array();
  for (const std::size_t root : from) roots.push_back(described.dists[root].name);
  Json packages = Json::array();
  for (std::size_t i = 0; i < described.dists.size(); ++i) {
    Json requires_list = Json::array();
    for (const Dependency& dependency : graph.of[i]) {
      requires_list.push_back(
          {{"name", dependency.name},
           {"requirement", dependency.requirement},
           {"marker", dependency.marker.empty() ? Json(nullptr) : Json(dependency.marker)},
           {"for_extra", dependency.for_extra.empty() ? Json(nullptr) : Json(dependency.for_extra)},
           {"extras", dependency.extras},
           {"version",
            dependency.package ? Json(described.dists[*dependency.package].version) : Json(nullptr)},
           {"met", dependency.met}});
    }
    packages.push_back({{"name", described.dists[i].name},
                        {"version", described.dists[i].version},
                        {"extras", graph.wanted[i]},
                        {"requires", std::move(requires_list)}});
  }
  return {{"of", described.of}, {"roots", std::move(roots)}, {"packages", std::move(packages)}};
}

}  // namespace

int run_tree(const Options& options) {
  const Described described = describe(options, options.requirements);
  const std::vector<DependencyPackage> packages = dependency_packages(described);
  const DependencyGraph graph = make_dependency_graph(packages, marker_environment(described.interpreter));
  std::vector<std::size_t> from = graph.roots;
  if (!options.arguments.empty()) {
    from.clear();
    for (const std::string& argument : options.arguments) {
      const std::string name = normalize_name(argument);
      const auto found = std::find_if(packages.begin(), packages.end(),
                                      [&](const DependencyPackage& one) { return one.name == name; });
      if (found == packages.end()) {
        throw Error(ErrorCode::no_match, name + " is not in " + described.of,
                    "axle tree lists what is there");
      }
      from.push_back(static_cast<std::size_t>(found - packages.begin()));
    }
  }
  if (options.json) {
    print_json(graph_to_json(described, graph, from));
  } else {
    print_text(render_tree(packages, graph, from), options);
  }
  return 0;
}

}  // namespace axle::cli
