#pragma once
// Scripts that start an interpreter: shebangs, entry-point wrappers, rewritten `#!python` scripts.
// Pure. spec: PyPA "Entry points", "Binary distribution format" (scripts); execve(2) on '#!'
// lines.

#include <optional>
#include <string>
#include <string_view>

#include "axle/env/interpreter.h"

namespace axle {

// The interpreter as a script names it.
struct ScriptInterpreter {
  std::string executable;  // absolute path on the target
  bool relocatable =
      false;  // the interpreter is beside the script, named as the last component of `executable`
  Os os = Os::linux;
};

// The first line or lines of a POSIX script, with the final newline: "#!EXE ARGS\n" when the kernel takes
// that (at most 127 bytes, 512 on macOS; no space or tab in EXE), else lines that are both /bin/sh and
// Python. `arguments` is what followed "#!python", "" for none. Throws Error(usage) for a path with newline,
// CR or NUL, or one that is not UTF-8.
std::string render_shebang(const ScriptInterpreter& interpreter, std::string_view arguments = {});

// A wrapper that calls `attribute` of `module` and exits with what it gives; ASCII below the shebang. Throws
// Error(bad_input) unless both are dotted identifiers (ASCII or not: others come escaped).
struct EntryPointCall {
  std::string module;     // "pkg.cli"
  std::string attribute;  // "App.main"
};
std::string render_entry_point(const EntryPointCall& call, const ScriptInterpreter& interpreter,
                               std::string_view arguments = {});
// The same without a shebang: __main__.py of a launcher.
std::string render_entry_point_main(const EntryPointCall& call);
// The same for `python -c CODE PROGRAM ARGUMENTS`: the program's path becomes sys.argv[0], and the working
// directory, which -c puts into sys.path, leaves it.
std::string render_entry_point_code(const EntryPointCall& call);

// A wheel's script whose first line is "#!python" or "#!pythonw" (with arguments or none), made to run with
// the interpreter; nullopt for every other content, which stays as it is.
std::optional<std::string> rewrite_script(std::string_view content, const ScriptInterpreter& interpreter);
// Whether rewrite_script() would; reads at most the first line.
bool wants_rewrite(std::string_view content) noexcept;

}  // namespace axle
