#pragma once
// Byte-code of wheels, made once for each interpreter and kept in the store.
//
// A wheel with byte-code is a wheel of its own in the store: a directory beside the other, whose tree has
// hard links to the same files and a .pyc beside each module, and whose facts name them all. So nothing else
// has to know of byte-code: it is planned, linked (whole directories too), recorded, compared and removed
// like every other file, and a second environment finds it ready.

#include <vector>

#include "axle/base/diagnostic.h"
#include "axle/env/interpreter.h"
#include "axle/store/store.h"
#include "axle/wheel/facts.h"

namespace axle {

// The facts of the same wheels with byte-code, in their order; wheels without modules come back as they are.
// What the store lacks is compiled by the interpreter, on `jobs` processes. A module that does not compile
// (the syntax of another Python) has no byte-code, and a note. Throws Error(unsupported) when the interpreter
// cannot run here, Error(io), Error(integrity) for a damaged store, Error(interrupted).
std::vector<WheelFacts> with_byte_code(const std::vector<WheelFacts>& wheels, const Store& store,
                                       const Interpreter& interpreter, unsigned jobs, Diagnostics& notes);

}  // namespace axle
