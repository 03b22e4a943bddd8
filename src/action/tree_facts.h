#pragma once
// What an unpacked tree holds, in the terms of a plan: the distributions of its dist-infos, with the files
// that their RECORDs name, read and compared.

#include <optional>
#include <string>
#include <vector>

#include "axle/env/layout.h"
#include "axle/store/store.h"
#include "axle/wheel/facts.h"
#include "base/fd.h"
#include "exec/dist_tree.h"

namespace axle {

struct TreeDist {
  WheelFacts facts;
  bool requested = false;
  std::optional<std::string> direct_url;
};

struct TreeContent {
  std::vector<TreeDist> dists;
  std::vector<std::string> read;  // relative to the tree; what was looked into, sorted
};

// `name` is what errors call the tree. Files may be links to files (a sandbox's are). What no RECORD names is
// passed over. Throws Error(bad_input) where there is no dist-info or no RECORD, Error(integrity) where a
// RECORD is wrong (unless the level is archive or none), Error(io).
TreeContent read_tree(const Fd& root, const Layout& layout, const std::string& name, VerifyLevel level,
                      unsigned jobs);

// Where the schemes of a distribution lie in a tree of this layout. `by_scheme`: as its wheel had them;
// otherwise as read_tree() says (scripts, packages, and everything else as data).
enum class TreeShape { by_scheme, as_read };
DistTree tree_of(const Layout& layout, const WheelFacts& facts, TreeShape shape);

}  // namespace axle
