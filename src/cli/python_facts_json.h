#pragma once
// The facts file that `axle python --json` writes and `--python FILE` takes back (docs/json.md, "Interpreter
// facts").

#include <string>

#include "axle/env/interpreter.h"

namespace axle {

// One JSON object with a final newline; parse_interpreter_facts() gives the same Interpreter back.
std::string render_interpreter_facts(const Interpreter& interpreter);

}  // namespace axle
