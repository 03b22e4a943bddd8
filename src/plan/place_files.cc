// Every file of every wheel at its place: schemes become paths under one root.

#include <algorithm>

#include "axle/base/error.h"
#include "plan/passes.h"

namespace axle {

std::string join_path(const std::optional<RelPath>& dir, std::string_view below) {
  if (!dir) return std::string(below);
  if (below.empty()) return dir->str();
  return dir->str() + "/" + std::string(below);
}

std::string scheme_path(const Layout& layout, Scheme scheme, std::string_view dist_name) {
  switch (scheme) {
    case Scheme::purelib:
      return join_path(layout.purelib, "");
    case Scheme::platlib:
      return join_path(layout.platlib, "");
    case Scheme::scripts:
      return join_path(layout.scripts, "");
    case Scheme::headers:
      return join_path(layout.headers, dist_name);
    case Scheme::data:
      return join_path(layout.data, "");
  }
  return {};
}

std::string fold_lib64(const Layout& layout, std::string path) {
  if (layout.kind != LayoutKind::venv || layout.os != Os::linux || layout.purelib != layout.platlib)
    return path;
  if (path == "lib64" || path.starts_with("lib64/")) path.erase(3, 2);
  return path;
}

bool has_dir_at(const Layout& layout, const WheelFacts& facts, std::string_view path) {
  for (const Scheme scheme : all_schemes) {
    const std::string root = scheme_path(layout, scheme, facts.name());
    std::string_view below = path;
    if (!root.empty()) {
      if (below != root && !below.starts_with(root + "/")) continue;
      below.remove_prefix(std::min(below.size(), root.size() + 1));
    }
    if (facts.find_dir(scheme, below)) return true;
    if (scheme != Scheme::data || (below != "lib" && !below.starts_with("lib/"))) continue;
    const std::string unfolded = "lib64" + std::string(below.substr(3));
    if (fold_lib64(layout, unfolded) == below && facts.find_dir(scheme, unfolded)) return true;
  }
  return false;
}

std::optional<std::uint32_t> find_file_at(const Layout& layout, const WheelFacts& facts,
                                          std::string_view path) {
  for (const Scheme scheme : all_schemes) {
    const std::string root = scheme_path(layout, scheme, facts.name());
    std::string_view below = path;
    if (!root.empty()) {
      if (!below.starts_with(root + "/")) continue;
      below.remove_prefix(root.size() + 1);
    }
    if (const auto found = facts.find(scheme, below)) return found;
    if (scheme == Scheme::data && below.starts_with("lib/")) {
      const std::string unfolded = "lib64" + std::string(below.substr(3));
      if (fold_lib64(layout, unfolded) != below) continue;
      if (const auto found = facts.find(scheme, unfolded)) return found;
    }
  }
  return std::nullopt;
}

namespace {

// lib64 is a name of its own only inside a data tree, so only there it can need folding.
void place_data(Draft& draft, DistId id, std::uint32_t root) {
  const WheelFacts& facts = draft.plan.dists[id].facts;
  const Layout& layout = draft.input.layout;
  for (const TreeChild& child : children_of(facts, StoreTree{id, root})) {
    const std::string path = fold_lib64(layout, join_path(layout.data, child.name));
    draft.tree.add(path, {id, child.content, child.executable});
  }
}

}  // namespace

void place_files(Draft& draft) {
  const Layout& layout = draft.input.layout;
  for (const PlanWheel& wheel : draft.input.wheels) {
    const WheelFacts& facts = wheel.facts;
    const std::string lib = scheme_path(layout, facts.root_scheme(), facts.name());
    const std::string dist_info(facts.dist_info());
    try {
      draft.plan.dists.push_back({facts,
                                  std::string(facts.normalized()),
                                  std::string(facts.version()),
                                  RelPath::parse(lib.empty() ? dist_info : lib + "/" + dist_info),
                                  wheel.requested,
                                  wheel.direct_url,
                                  wheel.recorded,
                                  {},
                                  wheel.rank,
                                  wheel.may_link});
    } catch (const Error& error) {
      throw error.within(facts.file_name());
    }
  }
  for (DistId id = 0; id < draft.plan.dists.size(); ++id) {
    const WheelFacts& facts = draft.plan.dists[id].facts;
    for (const Scheme scheme : all_schemes) {
      const auto root = facts.root(scheme);
      if (!root || scheme == Scheme::scripts) continue;  // scripts: add_scripts
      if (scheme == Scheme::data) {
        place_data(draft, id, *root);
      } else {
        draft.tree.add(scheme_path(layout, scheme, facts.name()), {id, StoreTree{id, *root}, false});
      }
    }
  }
}

}  // namespace axle
