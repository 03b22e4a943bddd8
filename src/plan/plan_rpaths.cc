// Which native objects get other rpaths.
//
// Only `--rpath fix` asks for it, and only for what would not load in a plain copied tree either: a library
// that is in the environment, and to which no path of the object that needs it leads. What works when copied
// is kept working by the layout (choose_links): an edited object is a file of its own and needs real
// directories above it, in which the original works as well.
//
// A fix can bring objects together that are themselves in need of one, so this goes on until nothing changes;
// each round edits an object that was not edited before or adds an entry to it.

#include <algorithm>

#include "axle/object/link_doctor.h"
#include "axle/object/rpath_edit.h"
#include "axle/plan/links.h"
#include "plan/expand_entries.h"
#include "plan/passes.h"

namespace axle {
namespace {

struct Fix {
  std::string path;
  StoreFile from;
  std::vector<std::string> rpaths;
};

std::vector<Fix> find_fixes(const Plan& plan, const LinkPolicy& policy) {
  const PlannedLinks links = describe_links(plan);
  const LinkReport report = find_links(links.tree, policy);
  std::vector<Fix> fixes;
  std::size_t last = SIZE_MAX;
  for (const LinkVerdict& verdict : report.verdicts) {
    if (verdict.object == last) continue;
    last = verdict.object;
    if (!plan.dists[links.files[last].wheel].recorded) continue;
    if (auto rpaths = find_repaired_rpaths(links.tree, report, last))
      fixes.push_back({links.tree.objects[last].path, links.files[last], std::move(*rpaths)});
  }
  return fixes;
}

std::string joined(const std::vector<std::string>& rpaths) {
  std::string text;
  for (const std::string& entry : rpaths) (text += text.empty() ? "" : ":") += entry;
  return text;
}

}  // namespace

void plan_rpaths(Draft& draft) {
  Plan& plan = draft.plan;
  if (plan.policy.rpath != RpathPolicy::fix || !has_native_objects(plan)) return;
  const LinkPolicy policy = target_link_policy(draft.input.interpreter);
  constexpr int max_rounds = 16;
  for (int round = 0; round < max_rounds; ++round) {
    const std::vector<Fix> fixes = find_fixes(plan, policy);
    if (fixes.empty()) break;
    DirectorySet directories;
    for (const Fix& fix : fixes) add_directories_of(fix.path, directories);
    expand_entries(plan, directories);
    for (const Fix& fix : fixes) {
      const auto at =
          std::lower_bound(plan.entries.begin(), plan.entries.end(), RelPath::parse(fix.path),
                           [](const Entry& entry, const RelPath& path) { return entry.path < path; });
      at->content = Patched{fix.from, fix.rpaths};
    }
  }
  for (const Entry& entry : plan.entries) {
    const auto* object = std::get_if<Patched>(&entry.content);
    if (object == nullptr) continue;
    plan.notes.push_back({Severity::note, "rpath-fixed", plan.dists[entry.owner].name, entry.path.str(),
                          "gets the rpath " + joined(object->rpaths) + ", so that it finds what it needs",
                          "--rpath auto leaves it as it is"});
  }
}

bool has_native_objects(const Plan& plan) {
  return std::any_of(plan.dists.begin(), plan.dists.end(),
                     [](const Dist& dist) { return dist.facts.object_count() != 0; });
}

}  // namespace axle
