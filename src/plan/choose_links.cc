// Which entries become symbolic links into the store.
//
// A directory may be one link when exactly one distribution owns it: that is what a StoreTree is. Real files
// stay where a link would change what a program sees: executables in the scripts directory ($ORIGIN of a
// program is its real path), and directories whose native objects look for libraries outside of themselves by
// a relative path, because through a linked directory
// ".." leads into the store. Files of a dist-info that axle writes are real in any case.

#include "plan/passes.h"

namespace axle {
namespace {

bool may_link(const Plan& plan, const Entry& entry) {
  const std::string scripts = join_path(plan.layout.scripts, "");
  if (!scripts.empty() && entry.path.str().starts_with(scripts + "/")) return false;
  if (const auto* tree = std::get_if<StoreTree>(&entry.content)) {
    return !plan.dists[tree->wheel].facts.dir(tree->dir).has(dir_flag::reaches_out);
  }
  return std::holds_alternative<StoreFile>(entry.content);
}

}  // namespace

void choose_links(Draft& draft) {
  Plan& plan = draft.plan;
  if (plan.policy.link_mode != LinkMode::symlink) return;
  for (Entry& entry : plan.entries) {
    if (entry.owner == environment_itself || !plan.dists[entry.owner].recorded) continue;
    if (may_link(plan, entry)) entry.lay = Lay::link;
  }
}

}  // namespace axle
