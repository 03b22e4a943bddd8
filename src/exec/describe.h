#pragma once
// A change in words and numbers, done or not.

#include "axle/exec/apply.h"
#include "axle/plan/diff.h"
#include "exec/state.h"

namespace axle {

// What a change from `state` to `plan` installs, removes, lays anew and keeps.
void describe(const State& state, const Plan& plan, const Changes& changes, ApplyResult& result);

// The environment's own files are planned only when they are made; otherwise they stay as they are.
bool plans_skeleton(const Plan& plan);
bool is_skeleton(const LaidEntry& entry);

// Files that nobody recorded and that stand where the plan has others, with the claimants' sizes and digests;
// a winner where the policy lets the new one win. Reads only.
std::vector<Conflict> find_conflicts_on_disk(const Fd& root, const Installation& installed, const Plan& plan);

}  // namespace axle
