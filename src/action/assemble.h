#pragma once
// From the sources of an action to a plan, and to where each file of it comes from.

#include <optional>
#include <string>
#include <vector>

#include "action/action.h"
#include "action/outputs.h"
#include "axle/plan/plan.h"
#include "exec/lay.h"

namespace axle {

struct Assembly {
  Plan plan;
  Trees trees;                       // of plan.dists; empty after scan()
  std::vector<Fd> opened;            // what the trees lie in
  std::vector<std::string> origins;  // of plan.dists: the path of the wheel or tree
  std::vector<std::string> read;     // paths as the request has them, sorted
  Diagnostics notes;
};

// What of a plan follows from the request alone; `root` is where it will be, as an absolute path.
PlanInput make_plan_input(const ActionRequest& request, const ActionContext& context,
                          const std::string& root);

// Unpacks wheels into the outputs' scratch directory and reads trees.
Assembly assemble(const ActionRequest& request, const ActionContext& context, Outputs& outputs);
// Only from the wheels' central directories and dist-infos; wheels alone. Paths are those that assemble()
// comes to; digests are made from sizes and CRCs.
Assembly scan(const ActionRequest& request, const ActionContext& context);

// The entries to lay: links into trees become relative ones, by the paths that the request gives.
std::vector<Entry> entries_to_lay(const Assembly& assembly, const ActionRequest& request);

// `to` as seen from the directory `from`; both relative to one directory, or both absolute. Lexical. Throws
// Error(usage) where that cannot be told.
std::string relative_path(const std::string& from, const std::string& to);

}  // namespace axle
