#pragma once
// Finding what of an environment is damaged, so that a diff puts it back.

#include <cstddef>
#include <vector>

#include "axle/plan/diff.h"
#include "axle/plan/plan.h"
#include "base/fd.h"

namespace axle {

// Compares every file that axle laid with the disk, by digest. What is missing or changed loses its identity,
// which makes it different from any plan; trees are expanded along the way to it.
void mark_damage(const Fd& root, State& state, unsigned jobs);

// Of these entries, by index: whether they are there.
void mark_absent(const Fd& root, State& state, const std::vector<std::size_t>& entries);

// Looks only at distributions that come from another wheel in the plan, and only whether their files are
// there: what both wheels have would stay as it is, and may have been removed by somebody.
void mark_missing(const Fd& root, State& state, const Plan& plan, unsigned jobs);

}  // namespace axle
