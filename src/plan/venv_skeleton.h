#pragma once
// The files that make a directory a virtual environment. Pure: what `python -m venv --without-pip` lays,
// without running Python. spec: PEP 405, PyPA "Python virtual environments".

#include <optional>
#include <string>
#include <vector>

#include "axle/base/rel_path.h"
#include "axle/env/interpreter.h"
#include "axle/env/layout.h"
#include "axle/plan/plan.h"

namespace axle {

enum class SkeletonKind { file, executable, symlink, directory };

struct SkeletonEntry {
  RelPath path;
  SkeletonKind kind = SkeletonKind::file;
  std::string content;  // bytes of a file, target of a symlink, "" for a directory

  friend bool operator==(const SkeletonEntry&, const SkeletonEntry&) = default;
};

struct VenvOptions {
  std::string root;              // absolute path of the environment on the target
  std::string prompt;            // "" = the last component of root
  bool explicit_prompt = false;  // the prompt was given: pyvenv.cfg records it
  bool system_site_packages = false;
  bool relocatable = false;
  VenvInterpreter interpreter = VenvInterpreter::linked;
  std::string executable;  // copied: the interpreter's bytes
  // For Windows targets: the bytes of python.exe and pythonw.exe (a redirector that reads `home`); "" = leave
  // them out.
  std::string windows_python;
  std::string windows_pythonw;
};

// Sorted by path; every path once. Throws Error(usage) for a root or prompt that no shell and no pyvenv.cfg
// can hold (a newline, NUL, other control characters; ':' in a POSIX root, which PATH cannot express).
std::vector<SkeletonEntry> make_venv_skeleton(const Interpreter& interpreter, const VenvOptions& options);

// pyvenv.cfg alone.
std::string render_pyvenv_config(const Interpreter& interpreter, const VenvOptions& options);

// The names in the scripts directory that belong to the environment itself: python, python3, python3.N[t],
// pypy*, pythonw, graalpy*, activate*, deactivate*; compared without case and without ".exe" or ".py". `name`
// is one component.
bool is_environment_script(std::string_view name);

}  // namespace axle
