#pragma once
// Poetry's dependencies as tables, in pyproject.toml and in locks older than lock-version 2.1.

#include <string>
#include <string_view>
#include <vector>

#include "lock/pyproject.h"
#include "lock/toml.h"

namespace axle::lockfile {

VersionRange poetry_range(const Draft& draft, std::string_view text, const LockPlace& where);

// name = "^1.2", name = {version, markers, python, extras, optional}, or an array of such tables.
std::vector<LockEdge> poetry_edges(Draft& draft, const TomlReader& toml, const toml::table& table);

// extra = ["name (>=1)", ...]: the edges among `dependencies` that the extra switches on.
std::vector<NamedEdges> poetry_extras(Draft& draft, const TomlReader& toml, const toml::table& table,
                                      const std::vector<LockEdge>& dependencies);

struct PoetryGroup {
  std::string name;
  bool optional = false;
};
// Groups that pyproject.toml declares, in either of the two ways.
std::vector<PoetryGroup> poetry_groups(const Draft& draft, const Pyproject& pyproject);

// The project itself, which poetry installs unless its package-mode is false.
LockPackage poetry_project(const Draft& draft, const Pyproject& pyproject);
// Appends the project itself as the root of the walk, with what pyproject.toml declares.
void add_poetry_project(Draft& draft, const Pyproject& pyproject);

}  // namespace axle::lockfile
