#pragma once
// What sync and plan share: the wheels that a lock asks for, and what is kept beside them.

#include <vector>

#include "axle/plan/plan.h"
#include "cli/acquire.h"
#include "cli/environment_commands.h"

namespace axle::cli {

// The wheels of a selection, those of local projects with --editable-local among them.
std::vector<PlanWheel> chosen_wheels(const Options& options, const Chosen& chosen,
                                     const SelectionRequest& request, Store& store, Diagnostics& notes);

// Throws Error(usage) when the lock selects nothing for an environment that is not empty, unless
// --allow-empty.
std::vector<PlanWheel> sync_wheels(const Options& options, const Chosen& chosen,
                                   const SelectionRequest& request, const Installation& installed,
                                   Store& store, Diagnostics& notes);

}  // namespace axle::cli
