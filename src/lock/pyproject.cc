#include "lock/pyproject.h"

#include <algorithm>
#include <set>

#include "axle/pep/name.h"
#include "axle/pep/requirement.h"
#include "base/text.h"

namespace axle::lockfile {

std::optional<Pyproject> read_pyproject(Draft& draft) {
  const auto text = draft.read(draft.beside("pyproject.toml"));
  if (!text) return std::nullopt;
  Pyproject pyproject;
  pyproject.file = text->file;
  pyproject.path = text->path;
  pyproject.table = TomlReader(draft, text->file).parse(text->text);
  return pyproject;
}

const toml::table* find_table(const toml::table& top, std::initializer_list<std::string_view> keys) {
  const toml::table* table = &top;
  for (const std::string_view key : keys) {
    const toml::node* node = table->get(key);
    table = node ? node->as_table() : nullptr;
    if (!table) return nullptr;
  }
  return table;
}

LockPackage project_package(const Draft& draft, const Pyproject& pyproject, ProjectUse use) {
  const TomlReader toml(draft, pyproject.file);
  LockPackage package;
  package.place = {pyproject.file, 1, 1};
  for (const toml::table* table :
       {find_table(pyproject.table, {"project"}), find_table(pyproject.table, {"tool", "poetry"})}) {
    if (!table || !package.name.empty()) continue;
    package.place = toml.place(*table);
    if (const auto* name = toml.string(*table, "name")) package.name = draft.name(*name, package.place);
    if (const auto* version = toml.string(*table, "version")) package.version = *version;
  }
  const bool installed = use == ProjectUse::installed && !package.name.empty();
  package.source.kind = installed ? SourceKind::editable : SourceKind::project;
  package.source.location = draft.beside(".");
  if (!draft.lock.base_group.empty()) package.groups.push_back({draft.lock.base_group, no_marker});
  return package;
}

namespace {

std::vector<Declared> declared(const TomlReader& toml, const toml::array& array, std::string_view what) {
  std::vector<Declared> result;
  for (const toml::node& node : array) result.push_back({toml.as_string(node, what), toml.place(node)});
  return result;
}

// PEP 735 includes: deep chains are cut by the cycle check, since each group is entered once on a path, and
// wide ones by the bound on what is gathered.
constexpr std::size_t max_dependencies = 100'000;

class GroupExpansion {
 public:
  GroupExpansion(const Draft& draft, const TomlReader& toml, const toml::table& groups)
      : draft_(draft), toml_(toml), groups_(groups) {}

  void expand(const std::string& name, const LockPlace& from, std::vector<Declared>& into) {
    const toml::node* found = nullptr;
    for (const auto& [key, node] : groups_) {
      if (normalize_name(key.str()) == name) found = &node;
    }
    if (!found) draft_.fail(from, "dependency group " + quoted(name) + " does not exist");
    if (!entered_.insert(name).second) {
      draft_.fail(from, "dependency group " + quoted(name) + " includes itself");
    }
    if (entered_.size() > 200) draft_.fail(from, "dependency groups include each other too deeply");
    const toml::array* array = found->as_array();
    if (!array) toml_.fail(*found, "a dependency group must be an array");
    for (const toml::node& node : *array) {
      if (into.size() > max_dependencies) toml_.fail(node, "too many dependencies");
      if (const auto* table = node.as_table()) {
        if (const std::string* include = toml_.string(*table, "include-group")) {
          expand(normalize_name(*include), toml_.place(node), into);
        }
        continue;
      }
      into.push_back({toml_.as_string(node, "dependency-groups"), toml_.place(node)});
    }
    entered_.erase(name);
  }

 private:
  const Draft& draft_;
  const TomlReader& toml_;
  const toml::table& groups_;
  std::set<std::string> entered_;
};

}  // namespace

std::vector<Declared> project_dependencies(const Draft& draft, const Pyproject& pyproject) {
  const TomlReader toml(draft, pyproject.file);
  const toml::table* project = find_table(pyproject.table, {"project"});
  const toml::array* array = project ? toml.array(*project, "dependencies") : nullptr;
  return array ? declared(toml, *array, "dependencies") : std::vector<Declared>{};
}

std::vector<DeclaredPart> project_extras(const Draft& draft, const Pyproject& pyproject) {
  const TomlReader toml(draft, pyproject.file);
  std::vector<DeclaredPart> parts;
  const toml::table* table = find_table(pyproject.table, {"project", "optional-dependencies"});
  if (!table) return parts;
  for (const auto& [key, node] : *table) {
    const toml::array* array = node.as_array();
    if (!array) toml.fail(node, "an extra must be an array of requirements");
    parts.push_back(
        {draft.name(key.str(), toml.place(node)), declared(toml, *array, "optional-dependencies")});
  }
  return parts;
}

std::vector<DeclaredPart> project_groups(const Draft& draft, const Pyproject& pyproject) {
  const TomlReader toml(draft, pyproject.file);
  std::vector<DeclaredPart> parts;
  const toml::table* table = find_table(pyproject.table, {"dependency-groups"});
  if (!table) return parts;
  for (const auto& [key, node] : *table) {
    DeclaredPart part{draft.name(key.str(), toml.place(node)), {}};
    GroupExpansion(draft, toml, *table).expand(part.name, toml.place(node), part.dependencies);
    parts.push_back(std::move(part));
  }
  return parts;
}

std::vector<std::string> group_names(const Draft& draft, const Pyproject& pyproject) {
  const TomlReader toml(draft, pyproject.file);
  std::vector<std::string> names;
  if (const toml::table* table = find_table(pyproject.table, {"dependency-groups"})) {
    for (const auto& [key, node] : *table) names.push_back(draft.name(key.str(), toml.place(node)));
  }
  return names;
}

LockEdge requirement_edge(Draft& draft, const Declared& declared) {
  try {
    const Requirement requirement = Requirement::parse(declared.text);
    LockEdge edge;
    edge.name = normalize_name(requirement.name);
    edge.place = declared.place;
    for (const std::string& extra : requirement.extras) edge.extras.push_back(normalize_name(extra));
    sort_unique(edge.extras);
    if (!requirement.specifier.empty()) {
      edge.range.text = requirement.specifier.str();
      edge.range.any_of.push_back(requirement.specifier);
    }
    if (requirement.marker) edge.marker = draft.marker(requirement.marker->str(), declared.place);
    return edge;
  } catch (const Error& error) {
    if (!error.place().file.empty()) throw;
    draft.fail(declared.place, error.message(), error.hint());
  }
}

}  // namespace axle::lockfile
