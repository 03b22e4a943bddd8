#pragma once
// Facts of wheels that were installed without a store: later commands need them, so they stay in the
// environment (.axle/facts).

#include "axle/plan/diff.h"
#include "base/fd.h"

namespace axle {

// Keeps those of the distributions of `state` that are not kept yet. The caller holds the environment's lock.
// Throws Error(io).
void keep_facts(const Fd& root, const State& state);

// Removes those of distributions that are not there any more. Throws Error(io).
void remove_old_facts(const Fd& root, const State& state);

}  // namespace axle
