#pragma once
// What becomes of a plan where an environment's file system has no symbolic links (FAT, some network shares).

#include "axle/base/diagnostic.h"
#include "axle/plan/plan.h"
#include "base/fd.h"
#include "exec/state.h"

namespace axle::cli {

// Where `root` can have no symbolic link, files are copied instead of linked, with one warning, and so is the
// interpreter, with a note. Tries it in axle's own directory, when the plan would make links. Throws
// Error(unsupported) when a copy of the interpreter would not start, Error(io).
void do_without_links(const Fd& root, PlanInput& input, Diagnostics& notes);

// The same for a command that must not write: by what is known without trying.
void foresee_without_links(const Fd& root, const Installation& installation, PlanInput& input,
                           Diagnostics& notes);

}  // namespace axle::cli
