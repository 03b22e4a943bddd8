#pragma once
// Where a project keeps its modules, and whether anything has to be built: what its build backend is told.

#include <string>
#include <vector>

#include "axle/lock/project.h"
#include "lock/toml.h"

namespace axle::lockfile {

// The refusal of a project that needs a build.
[[noreturn]] void refuse_project(const Draft& draft, const LockPlace& where, const std::string& why);

// The directories, relative to the project, in which `name`'s modules are found. `top` is the whole file.
std::vector<std::string> module_directories(const Draft& draft, const TomlReader& toml,
                                            const toml::table& top, const std::string& name,
                                            const ProjectContext& context);

}  // namespace axle::lockfile
