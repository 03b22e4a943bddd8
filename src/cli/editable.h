#pragma once
// --editable-local: the local projects of a lock, installed in place.

#include <vector>

#include "axle/plan/plan.h"
#include "cli/acquire.h"

namespace axle::cli {

// What a project's wheel is made of, so that a sync that has nothing to do notices a change.
std::vector<ReceiptInput> editable_inputs(const Options& options, const Chosen& chosen);

// A wheel for each local project of the selection that --exclude and --only leave, in the store; empty
// without
// --editable-local. Throws Error(unsupported) for a project that needs a build, Error(usage) where .pth files
// are not read.
std::vector<PlanWheel> editable_wheels(const Options& options, const Chosen& chosen, Store& store,
                                       Diagnostics& notes);

}  // namespace axle::cli
