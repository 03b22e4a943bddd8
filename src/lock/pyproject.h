#pragma once
// What locks leave to the pyproject.toml beside them: which groups are default, and for locks without groups
// the project's own dependencies. spec: PEP 621, PEP 735.

#include <optional>
#include <string>
#include <vector>

#include "lock/toml.h"

namespace axle::lockfile {

struct Pyproject {
  toml::table table;
  std::uint32_t file = 0;
  std::string path;
};

// The file beside the lock; nullopt when there is none.
std::optional<Pyproject> read_pyproject(Draft& draft);

// A table by its keys from the top; nullptr when a key is absent or no table.
const toml::table* find_table(const toml::table& top, std::initializer_list<std::string_view> keys);

// A dependency as PEP 508 text.
struct Declared {
  std::string text;
  LockPlace place;
};
struct DeclaredPart {
  std::string name;  // normalized
  std::vector<Declared> dependencies;
};

// Whether the tool of the lock installs the project, or only what it depends on.
enum class ProjectUse { installed, dependencies_only };
// The project itself, without what it depends on: name and version of [project], else of [tool.poetry]. One
// without a name is never installed. Of a lock that says of each package in which groups it is, it belongs to
// the base group.
LockPackage project_package(const Draft& draft, const Pyproject& pyproject, ProjectUse use);

// project.dependencies.
std::vector<Declared> project_dependencies(const Draft& draft, const Pyproject& pyproject);
// project.optional-dependencies.
std::vector<DeclaredPart> project_extras(const Draft& draft, const Pyproject& pyproject);
// [dependency-groups] with include-group followed. Throws Error(bad_input) for a cycle or an unknown group.
std::vector<DeclaredPart> project_groups(const Draft& draft, const Pyproject& pyproject);
// The normalized keys of [dependency-groups].
std::vector<std::string> group_names(const Draft& draft, const Pyproject& pyproject);

// An edge for a PEP 508 requirement.
LockEdge requirement_edge(Draft& draft, const Declared& declared);

}  // namespace axle::lockfile
