#pragma once
// Native launchers: a program for Linux (launchers/linux.c) with a configuration that says which interpreter
// it starts, and how. docs/launchers.md describes the format. Pure.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "axle/env/interpreter.h"
#include "axle/plan/policy.h"
#include "plan/launcher_scripts.h"

namespace axle {

// One argument that the interpreter gets. `text` stands as it is; `path` is a path, relative to the
// launcher's directory; `self` is the launcher's own path as it was called (`value` is "").
enum class ArgumentKind { text, path, self };
struct LauncherArgument {
  ArgumentKind kind = ArgumentKind::text;
  std::string value;
  friend bool operator==(const LauncherArgument&, const LauncherArgument&) = default;
};

struct LauncherConfig {
  // Tried in this order: relative to the launcher's directory, or absolute. At least one.
  std::vector<std::string> interpreters;
  // What the interpreter is told that it is called, by which it finds pyvenv.cfg: relative or absolute; "":
  // the path by which it was started.
  std::string argv0;
  std::vector<LauncherArgument> arguments;  // before those of the user
  std::vector<EnvironmentChange> environment;
  friend bool operator==(const LauncherConfig&, const LauncherConfig&) = default;
};

// The configuration as bytes. Throws Error(usage) for a NUL in a text, a name of a variable that is none, no
// interpreter, or more than 64 KiB.
std::string render_launcher_config(const LauncherConfig& config);

// The launcher for Linux on `arch` ("x86_64", "aarch64"), and behind it, unless it is "", a zip with
// `main_py` as __main__.py, so that `python LAUNCHER` works as it does with a script. Throws
// Error(unsupported) where there is no launcher for `arch`.
std::string render_native_launcher(std::string_view arch, const LauncherConfig& config,
                                   std::string_view main_py = {});

// One that calls an entry point, with the policy's flags and variables. `interpreter` is absolute, or
// relative to the launcher's directory.
std::string render_native_entry_point(std::string_view arch, std::string_view interpreter,
                                      const EntryPointCall& call, const LauncherPolicy& policy);

// Whether such a launcher can be made; and the same by an error.
bool has_native_launcher(Os os, std::string_view arch) noexcept;
void require_native_launcher(Os os, std::string_view arch);

// The configuration of a launcher that render_native_launcher() made; nullopt for every other file. `bytes`
// may end anywhere after the configuration. The end of the launcher's own part is `native_launcher_size`.
std::optional<LauncherConfig> parse_native_launcher(std::string_view bytes);
// How many bytes of a file of that kind are the program and its configuration, told by its first 64 KiB at
// most; 0 for every other file.
std::size_t native_launcher_size(std::string_view head) noexcept;

}  // namespace axle
