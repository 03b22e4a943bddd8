#pragma once
// The passes of make_plan, each in a file of its own; plan.cc says their order and why.

#include "axle/plan/plan.h"
#include "plan/path_tree.h"
#include "plan/place_of.h"

namespace axle {

// What the passes work on: the plan as far as it is, and the tree of claims until conflicts are resolved.
struct Draft {
  explicit Draft(const PlanInput& from) : input(from), tree(plan.dists) {}
  Draft(const Draft&) = delete;

  const PlanInput& input;
  Plan plan;
  PathTree tree;
};

void place_files(Draft& draft);
void add_scripts(Draft& draft);
void add_metadata(Draft& draft);
void add_venv_skeleton(Draft& draft);
void classify_namespaces(Draft& draft);
void resolve_startup_files(Draft& draft);
void resolve_conflicts(Draft& draft);
void prune_files(Draft& draft);
void plan_rpaths(Draft& draft);
void choose_links(Draft& draft);
void add_records(Draft& draft);

bool has_native_objects(const Plan& plan);
// Who wins at a path below the root: the first rule that matches, else the general policy.
ConflictPolicy conflict_policy(const Plan& plan, const std::string& path);

// "a/b"; either may be nothing.
std::string join_path(const std::optional<RelPath>& dir, std::string_view below);
// Where a scheme's files of this distribution go, under the layout's root; "" is the root.
std::string scheme_path(const Layout& layout, Scheme scheme, std::string_view dist_name);
// lib64 is lib wherever an environment makes it a link to lib.
std::string fold_lib64(const Layout& layout, std::string path);

}  // namespace axle
