#pragma once
// pyenv's shims: shell scripts that would run pyenv to find out which Python is meant. What they would find
// is told here from pyenv's own files.

#include <optional>
#include <string>
#include <string_view>

#include "axle/env/interpreter.h"

namespace axle {

// The root of the pyenv whose shim `path` is; nullopt when it is none.
std::optional<std::string> pyenv_root_of_shim(const std::string& path, std::string_view configured_root);

// The program that the shim stands for, by PYENV_VERSION, .python-version upwards of the working directory,
// and the file `version`; nullopt when pyenv says "system": the search on PATH goes on behind it. Throws
// Error(no_match) for a version that is not installed.
std::optional<std::string> resolve_pyenv_shim(const std::string& root, std::string_view program,
                                              const InterpreterRequest& request);

// The newest installed version that `wanted` ("3.12", "3.12.1") is a prefix of; nullopt when there is none.
std::optional<std::string> find_pyenv_version(const std::string& root, std::string_view wanted);

}  // namespace axle
