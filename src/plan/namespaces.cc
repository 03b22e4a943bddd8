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
//
// The same question arises beside a directory: of a package and a module of one name import takes the package
// if it is regular, else the module. No path is claimed twice, so nothing but this would tell.

#include <algorithm>
#include <set>

#include "plan/passes.h"

namespace axle {
namespace {

// "demo" of demo.py, demo.pyc and demo.cpython-312-x86_64-linux-gnu.so; "" of what is no module.
std::string_view module_of(std::string_view file) {
  for (const std::string_view suffix : {".py", ".pyc", ".so", ".pyd"}) {
    if (file.ends_with(suffix)) return file.substr(0, file.find('.'));
  }
  return {};
}

// Who has the directory as a regular package, and who as a namespace; by name.
struct Owners {
  std::set<std::string> regular;
  std::set<std::string> shared;
};
Owners owners_of(const Draft& draft, const PathNode& node) {
  Owners owners;
  const auto add = [&](const StoreTree& source) {
    const Dist& dist = draft.plan.dists[source.wheel];
    const NamespaceKind kind = dist.facts.dir(source.dir).kind;
    if (kind == NamespaceKind::regular) owners.regular.insert(dist.name);
    if (kind != NamespaceKind::regular && kind != NamespaceKind::not_package) owners.shared.insert(dist.name);
  };
  for (const StoreTree& source : node.merged) add(source);
  for (const Claim& claim : node.claims) {
    if (const auto* tree = std::get_if<StoreTree>(&claim.content)) add(*tree);
  }
  return owners;
}

std::string joined(const std::set<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

void find_hidden_modules(const Draft& draft, const PathNode& node, const std::string& path,
                         Diagnostics& notes) {
  for (const auto& [name, child] : node.children) {
    const std::string_view module = child.is_dir() ? std::string_view() : module_of(name);
    const auto package = module.empty() ? node.children.end() : node.children.find(module);
    if (package == node.children.end()) continue;
    std::set<std::string> modules;
    for (const Claim& claim : child.claims) {
      if (claim.dist != environment_itself && std::holds_alternative<StoreFile>(claim.content))
        modules.insert(draft.plan.dists[claim.dist].name);
    }
    const Owners owners = owners_of(draft, package->second);
    const std::set<std::string>& dirs = owners.regular.empty() ? owners.shared : owners.regular;
    if (modules.empty() || dirs.empty() || dirs == modules) continue;  // its author knows
    const std::string where = (path.empty() ? "" : path + "/") + name;
    const bool package_wins = !owners.regular.empty();
    notes.push_back({Severity::warning, "module-hidden", package_wins ? *dirs.begin() : *modules.begin(),
                     where,
                     package_wins ? "of " + joined(modules) + " is hidden by the package " +
                                        std::string(module) + " of " + joined(dirs)
                                  : "of " + joined(modules) + " hides the namespace package " +
                                        std::string(module) + " of " + joined(dirs),
                     "leave one of them out (--exclude)"});
  }
}

void classify(const Draft& draft, const PathNode& node, const std::string& path, Diagnostics& notes) {
  const auto [regular, shared] = owners_of(draft, node);
  find_hidden_modules(draft, node, path, notes);
  if (!regular.empty() && !shared.empty()) {
    const std::string others = joined(shared);
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
