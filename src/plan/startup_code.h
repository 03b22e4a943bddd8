#pragma once
// What of a startup file runs. spec: CPython Lib/site.py; PEP 829.

#include <string>
#include <string_view>
#include <vector>

#include "axle/env/interpreter.h"

namespace axle {

// How site.py of the environment's Python reads the file.
struct StartupRules {
  PythonMinor python;  // {0, 0}: not known, and everything that any Python would run counts
  enum class Stem { alone, with_start } stem = Stem::alone;  // a .start of the same stem lies beside it
};

// The lines of a startup file of this name (*.pth, *.start, a module) that run at every start of the
// interpreter; of a module one entry that says so. A .start counts for every Python: one before 3.15 passes
// it over, and the next one that the environment gets does not.
std::vector<std::string> startup_code(std::string_view name, std::string_view text,
                                      const StartupRules& rules);

// What well-known code lines are, judged by what they do and not by the name of their file; "" when one of
// them is not known. A line is known when it is one of a few texts to the last character, names apart.
std::string known_startup_code(const std::vector<std::string>& lines);

}  // namespace axle
