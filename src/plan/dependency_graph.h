#pragma once
// Who needs whom, by the metadata of what is there. Pure. spec: PEP 508, "Core metadata" Requires-Dist.

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "axle/pep/marker.h"

namespace axle {

struct DependencyPackage {
  std::string name;  // normalized
  std::string version;
  std::vector<std::string> requires_dist;
};

// One Requires-Dist that counts in this environment.
struct Dependency {
  std::string requirement;          // without its marker: "h11[http2]>=0.8"
  std::string name;                 // normalized
  std::string marker;               // "" for none
  std::string for_extra;            // the extra of the dependent that asks for it; "" when it always counts
  std::vector<std::string> extras;  // that it asks for; normalized, sorted
  std::optional<std::size_t> package;  // who answers; none: missing
  bool met = false;                    // present, in a version that does
};

struct DependencyGraph {
  std::vector<std::vector<Dependency>> of;    // by package, in the order of its metadata
  std::vector<std::set<std::string>> wanted;  // by package: its extras that somebody asks for
  std::vector<std::size_t> roots;             // packages from which all others are reached, in order
};

// A requirement counts when its marker holds with `extra` empty or with an extra that a counting requirement
// asked for. Requirements that cannot be read are left out (`axle check` reports them). Packages that nobody
// requires are roots; of packages that require only one another the first is.
DependencyGraph make_dependency_graph(const std::vector<DependencyPackage>& packages,
                                      const MarkerEnvironment& environment);

// The graph as a tree of lines, "name version"; what was shown before ends in "(*)", what is missing in
// "(missing)", and a dependency on one of its own dependents in "(cycle)". `from`: the roots to show.
std::string render_tree(const std::vector<DependencyPackage>& packages, const DependencyGraph& graph,
                        const std::vector<std::size_t>& from);

}  // namespace axle
