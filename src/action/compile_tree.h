#pragma once
// Byte-code for an unpacked wheel, by an interpreter that is an input like any other.

#include <cstdint>
#include <optional>
#include <string>

#include "axle/base/diagnostic.h"
#include "axle/env/interpreter.h"
#include "axle/wheel/facts.h"
#include "base/fd.h"

namespace axle {

// Whether the interpreter that imports a module compares the source's digest with that in the byte-code
// (PEP 552). Times, the third way, are not what they were where outputs come out of a cache.
enum class PycCheck { unchecked, checked };

struct CompileJob {
  Interpreter interpreter;  // its executable is started
  PycCheck check = PycCheck::unchecked;
  unsigned jobs = 1;
  std::optional<std::int64_t> mtime_ns;  // of what is written; none: the source's
};

// Compiles the modules of the wheel in the directory `tree` below `scratch`; returns what is true of it then.
// Byte-code that the wheel brings for them goes. A module that does not compile has none, and a note. The
// same sources and interpreter give the same bytes. Throws Error(io), Error(interrupted).
WheelFacts compile_tree(const Fd& scratch, const std::string& tree, const WheelFacts& facts,
                        const CompileJob& job, Diagnostics& notes);

}  // namespace axle
