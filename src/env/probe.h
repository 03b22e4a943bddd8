#pragma once
// Asking an interpreter by running it once.

#include <chrono>
#include <string>

#include "env/interpreter_files.h"

namespace axle {

// Runs `executable -I -S -c ...` with nothing on its standard input, for at most `timeout`, and reads the
// facts that it prints. Throws Error(io) when it cannot be run, fails or takes too long; Error(bad_input)
// when what it prints is not what was asked for.
DescribedInterpreter probe_interpreter(const std::string& executable, std::chrono::milliseconds timeout);

}  // namespace axle
