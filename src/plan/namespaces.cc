// Packages that several distributions share.
//
// Problem. Python knows three ways for distributions to share a package directory (PEP 420: no __init__ at
// all; pkgutil and pkg_resources: an __init__ that extends its path) and many distributions that share one by
// accident: a regular package into which another distribution puts modules. In one site-packages they all end
// up in one directory, and what import sees is decided by the __init__.py that lies there, if any.
//
// What follows. A directory that is a namespace for one distribution and regular for another works in this
// layout: the regular
// __init__ rules, and the others' modules are still found below it. But the regular package hides the same
// namespace elsewhere on sys.path, so it is said: who has the __init__, and whom it covers.

#include <algorithm>
#include <set>

#include "plan/passes.h"

namespace axle {
namespace {

void classify(const Draft& draft, const PathNode& node, const std::string& path, Diagnostics& notes) {
  std::set<std::string> regular;
  std::set<std::string> shared;
  for (const StoreTree& source : node.merged) {
    const Dist& dist = draft.plan.dists[source.wheel];
    switch (dist.facts.dir(source.dir).kind) {
      case NamespaceKind::regular:
        regular.insert(dist.name);
        break;
      case NamespaceKind::not_package:
        break;
      default:
        shared.insert(dist.name);
    }
  }
  if (!regular.empty() && !shared.empty()) {
    std::string others;
    for (const std::string& name : shared) others += (others.empty() ? "" : ", ") + name;
    notes.push_back({Severity::warning, "namespace-mixed", *regular.begin(), path,
                     "is a regular package in " + *regular.begin() + " and a namespace package in " + others +
                         ": the __init__.py of " + *regular.begin() +
                         " rules, and hides other portions on sys.path",
                     "ask the authors to agree on one kind; inside this environment all modules are found"});
  }
  for (const auto& child : node.children) {
    if (child.second.is_dir()) {
      classify(draft, child.second, path.empty() ? child.first : path + "/" + child.first, notes);
    }
  }
}

}  // namespace

void classify_namespaces(Draft& draft) { classify(draft, draft.tree.root(), "", draft.plan.notes); }

}  // namespace axle
