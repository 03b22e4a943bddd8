#include "plan/patch_entries.h"

#include <algorithm>

#include "axle/plan/diff.h"

namespace axle {
namespace {

using Rpaths = std::map<std::string, std::vector<std::string>>;

bool has_below(const Rpaths& rpaths, const std::string& dir) {
  const auto found = rpaths.lower_bound(dir + "/");
  return found != rpaths.end() && found->first.starts_with(dir + "/");
}

void visit(const Plan& plan, const Rpaths& rpaths, Entry entry, std::vector<Entry>& result) {
  if (std::holds_alternative<StoreTree>(entry.content) && has_below(rpaths, entry.path.str())) {
    for (Entry& child : expand_tree(plan, entry)) visit(plan, rpaths, std::move(child), result);
    return;
  }
  if (const auto* file = std::get_if<StoreFile>(&entry.content)) {
    if (const auto found = rpaths.find(entry.path.str()); found != rpaths.end()) {
      entry.content = Patched{*file, found->second};
    }
  }
  result.push_back(std::move(entry));
}

}  // namespace

Plan patch_entries(Plan plan, const Rpaths& rpaths) {
  std::vector<Entry> result;
  for (Entry& entry : plan.entries) visit(plan, rpaths, std::move(entry), result);
  std::sort(result.begin(), result.end(), [](const Entry& a, const Entry& b) { return a.path < b.path; });
  plan.entries = std::move(result);
  return plan;
}

}  // namespace axle
