#include "lock/poetry_project.h"

#include <algorithm>

#include "axle/pep/name.h"
#include "base/text.h"
#include "lock/poetry_range.h"

namespace axle::lockfile {

VersionRange poetry_range(const Draft& draft, std::string_view text, const LockPlace& where) {
  auto range = parse_poetry_range(text);
  if (!range) draft.fail(where, quoted(text) + " is no version constraint");
  return std::move(*range);
}

namespace {

// The `python` key of a dependency is a marker in another form.
std::string python_marker(const Draft& draft, std::string_view text, const LockPlace& where) {
  const VersionRange range = poetry_range(draft, text, where);
  std::string marker;
  for (const SpecifierSet& set : range.any_of) {
    std::string all;
    for (const Specifier& one : set.clauses()) {
      if (!all.empty()) all += " and ";
      all += "python_full_version " + std::string(to_string(one.op())) + " \"" + one.version_text() + "\"";
    }
    if (all.empty()) return {};
    if (!marker.empty()) marker += " or ";
    marker += "(" + all + ")";
  }
  return marker;
}

LockEdge poetry_edge(Draft& draft, const TomlReader& toml, const std::string& name, const toml::node& node) {
  LockEdge edge;
  edge.name = name;
  edge.place = toml.place(node);
  if (const auto* text = node.as_string()) {
    edge.range = poetry_range(draft, text->get(), edge.place);
    return edge;
  }
  const toml::table& table = toml.as_table(node, name);
  // Dependencies by URL, path or repository have no version: the lock has one package for them.
  if (const auto* version = toml.string(table, "version")) {
    edge.range = poetry_range(draft, *version, edge.place);
  }
  edge.optional = toml.flag(table, "optional");
  if (const auto* extras = toml.array(table, "extras")) {
    for (const toml::node& extra : *extras) {
      edge.extras.push_back(normalize_name(toml.as_string(extra, "extras")));
    }
  }
  std::string marker;
  if (const auto* text = toml.string(table, "markers")) marker = *text;
  if (const auto* python = toml.string(table, "python")) {
    const std::string condition = python_marker(draft, *python, edge.place);
    if (!condition.empty()) marker = marker.empty() ? condition : "(" + marker + ") and (" + condition + ")";
  }
  edge.marker = draft.marker(marker, edge.place);
  return edge;
}

}  // namespace

std::vector<LockEdge> poetry_edges(Draft& draft, const TomlReader& toml, const toml::table& table) {
  std::vector<LockEdge> edges;
  for (const auto& [key, node] : table) {
    const std::string name = draft.name(key.str(), toml.place(node));
    if (name == "python") continue;
    if (const auto* several = node.as_array()) {
      for (const toml::node& one : *several) edges.push_back(poetry_edge(draft, toml, name, one));
    } else {
      edges.push_back(poetry_edge(draft, toml, name, node));
    }
  }
  return edges;
}

std::vector<NamedEdges> poetry_extras(Draft& draft, const TomlReader& toml, const toml::table& table,
                                      const std::vector<LockEdge>& dependencies) {
  std::vector<NamedEdges> extras;
  for (const auto& [key, node] : table) {
    const toml::array* names = node.as_array();
    if (!names) toml.fail(node, "an extra must be an array");
    NamedEdges part{draft.name(key.str(), toml.place(node)), {}};
    for (const toml::node& item : *names) {
      const std::string& text = toml.as_string(item, "extras");
      const std::string name = normalize_name(text.substr(0, text.find_first_of(" ([<>=!~;")));
      for (const LockEdge& edge : dependencies) {
        if (edge.name != name || !edge.optional) continue;
        part.edges.push_back(edge);
        part.edges.back().optional = false;
      }
    }
    extras.push_back(std::move(part));
  }
  return extras;
}

std::vector<PoetryGroup> poetry_groups(const Draft& draft, const Pyproject& pyproject) {
  const TomlReader toml(draft, pyproject.file);
  std::vector<PoetryGroup> groups;
  for (std::string& name : group_names(draft, pyproject)) groups.push_back({std::move(name), false});
  if (find_table(pyproject.table, {"tool", "poetry", "dev-dependencies"})) groups.push_back({"dev", false});
  if (const toml::table* table = find_table(pyproject.table, {"tool", "poetry", "group"})) {
    for (const auto& [key, node] : *table) {
      groups.push_back(
          {draft.name(key.str(), toml.place(node)), toml.flag(toml.as_table(node, "group"), "optional")});
    }
  }
  return groups;
}

LockPackage poetry_project(const Draft& draft, const Pyproject& pyproject) {
  const toml::table* poetry = find_table(pyproject.table, {"tool", "poetry"});
  const TomlReader toml(draft, pyproject.file);
  const bool is_package = !poetry || !poetry->contains("package-mode") || toml.flag(*poetry, "package-mode");
  return project_package(draft, pyproject,
                         is_package ? ProjectUse::installed : ProjectUse::dependencies_only);
}

void add_poetry_project(Draft& draft, const Pyproject& pyproject) {
  const TomlReader toml(draft, pyproject.file);
  LockPackage project = poetry_project(draft, pyproject);
  for (const Declared& declared : project_dependencies(draft, pyproject)) {
    project.dependencies.push_back(requirement_edge(draft, declared));
  }
  for (const DeclaredPart& part : project_extras(draft, pyproject)) {
    NamedEdges edges{part.name, {}};
    for (const Declared& declared : part.dependencies)
      edges.edges.push_back(requirement_edge(draft, declared));
    project.extra_dependencies.push_back(std::move(edges));
  }
  for (const DeclaredPart& part : project_groups(draft, pyproject)) {
    NamedEdges edges{part.name, {}};
    for (const Declared& declared : part.dependencies)
      edges.edges.push_back(requirement_edge(draft, declared));
    project.group_dependencies.push_back(std::move(edges));
  }
  const toml::table* poetry = find_table(pyproject.table, {"tool", "poetry"});
  if (poetry) {
    if (const toml::table* table = toml.table(*poetry, "dependencies")) {
      const auto edges = poetry_edges(draft, toml, *table);
      project.dependencies.insert(project.dependencies.end(), edges.begin(), edges.end());
    }
    if (const toml::table* table = toml.table(*poetry, "extras")) {
      for (NamedEdges& part : poetry_extras(draft, toml, *table, project.dependencies)) {
        project.extra_dependencies.push_back(std::move(part));
      }
    }
    if (const toml::table* table = toml.table(*poetry, "dev-dependencies")) {
      project.group_dependencies.push_back({"dev", poetry_edges(draft, toml, *table)});
    }
    if (const toml::table* groups = find_table(*poetry, {"group"})) {
      for (const auto& [key, node] : *groups) {
        const toml::table* table = toml.table(toml.as_table(node, "group"), "dependencies");
        if (!table) continue;
        project.group_dependencies.push_back(
            {draft.name(key.str(), toml.place(node)), poetry_edges(draft, toml, *table)});
      }
    }
  }
  for (const NamedEdges& part : project.extra_dependencies) draft.lock.extras.push_back(part.name);
  for (const NamedEdges& part : project.group_dependencies) draft.lock.groups.push_back(part.name);
  draft.lock.roots.push_back(draft.lock.packages.size());
  draft.lock.packages.push_back(std::move(project));
}

}  // namespace axle::lockfile
