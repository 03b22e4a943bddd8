// Which entries become symbolic links into the store.
//
// A directory may be one link when exactly one distribution owns it: that is what a StoreTree is. Real files
// stay where a link would change what a program sees: executables in the scripts directory ($ORIGIN of a
// program is its real path), and directories whose native objects look for libraries outside of themselves by
// a relative path, because through a linked directory
// ".." leads into the store. Files of a dist-info that axle writes are real in any case.
//
// A __pycache__ in a real directory is real too, and its files are links: Python writes the byte-code of that
// directory's other modules into it, and must not write into the store. (In a linked directory it cannot: see
// store/publish.h.)

#include "axle/plan/diff.h"
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

bool is_byte_code_tree(const Entry& entry) {
  return std::holds_alternative<StoreTree>(entry.content) && entry.path.name() == "__pycache__";
}

}  // namespace

void choose_links(Draft& draft) {
  Plan& plan = draft.plan;
  if (plan.policy.link_mode != LinkMode::symlink) return;
  std::vector<Entry> entries;
  for (Entry& entry : plan.entries) {
    const bool is_ours = entry.owner != environment_itself && plan.dists[entry.owner].recorded;
    if (is_ours && may_link(plan, entry)) entry.lay = Lay::link;
    if (entry.lay == Lay::link && is_byte_code_tree(entry)) {
      for (Entry& below : expand_tree(plan, entry)) entries.push_back(std::move(below));
    } else {
      entries.push_back(std::move(entry));
    }
  }
  plan.entries = std::move(entries);
}

}  // namespace axle
