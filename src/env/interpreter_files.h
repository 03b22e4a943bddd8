#pragma once
// An interpreter described by the files of its installation.

#include <optional>
#include <string>

#include "axle/env/interpreter.h"

namespace axle {

struct DescribedInterpreter {
  Interpreter interpreter;
  std::string libc_file;  // the file that the platform tag depends on besides the interpreter; "" = none
};

// `executable` is the real path of a program. nullopt when the files do not tell everything, as for other
// implementations than CPython, scripts, and trees without their build's variables. Throws Error(io).
std::optional<DescribedInterpreter> read_interpreter_files(const std::string& executable);

}  // namespace axle
