#pragma once
// What a project's pyproject.toml says of it without a build: enough to install it in place, or the reason
// why that cannot be done. docs/locks.md lists the build backends and keys that are understood.

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace axle {

struct ProjectFacts {
  std::string name;  // as written
  std::string version;
  std::string metadata;                  // METADATA
  std::string entry_points;              // entry_points.txt; "" for none
  std::vector<std::string> directories;  // where its modules are, relative to it; "" is itself. Sorted
};

enum class PathKind { none, file, directory };

// How to look into the project; paths are `directory` with something behind it.
struct ProjectContext {
  std::string directory;
  std::function<std::optional<std::string>(const std::string& path)> read_file;
  std::function<PathKind(const std::string& path)> look;
};

// Throws Error(unsupported) that says why the project cannot be installed in place (no static metadata, an
// unknown build backend, something to be compiled or generated, modules that are not found), Error(bad_input)
// for a malformed file. Thread-safe as far as the functions are. spec: PEP 517, 518, 621.
ProjectFacts parse_project(const ProjectContext& context);

}  // namespace axle
