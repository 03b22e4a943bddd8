#pragma once
// What this machine adds to what the link doctor knows of a target.

#include "axle/base/diagnostic.h"
#include "axle/env/interpreter.h"
#include "axle/object/link_doctor.h"

namespace axle {

// target_link_policy() with what can be read here: the interpreter's own needs and paths, and the libraries
// that this machine's loader finds by itself. Of an interpreter of another machine nothing is read.
LinkPolicy host_link_policy(const Interpreter& interpreter);

// The report as problems of an environment: what will not load is an error "library-unloadable", what may not
// a warning "library-<verdict>"; notes are left out.
Diagnostics render_native(const LinkTree& tree, const LinkReport& report);

}  // namespace axle
