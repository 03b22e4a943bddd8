#pragma once
// Patches on an unpacked wheel.
//
// Build systems decide from a wheel's layout, before it is unpacked, what is linked and merged. So a patch
// may change what files hold, and add and remove modules and data of packages, but nothing that such
// decisions rest on: what is importable at the top, which directory is a package of which kind, which files
// are native, what goes outside of site-packages, and which programs there are.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "axle/env/layout.h"
#include "axle/wheel/facts.h"
#include "base/fd.h"

namespace axle {

struct PatchText {
  std::string name;  // what errors call it
  std::string bytes;
};

struct PatchJob {
  std::vector<PatchText> patches;  // applied in this order
  unsigned strip = 0;
  Layout layout;                         // paths in patches are below its root
  std::vector<std::string> preserved;    // below site-packages: must be there, before and after
  std::optional<std::int64_t> mtime_ns;  // of what is written; none: as before, and 1980 for new files
};

// Patches the wheel in the directory `tree` below `scratch`, which has the shape of a store's trees; returns
// what is true of it then. Byte-code of modules that change goes. Throws Error(bad_input) and
// Error(unsupported) as parse_patch() does, and for paths that are not safe; Error(conflict) where a patch
// does not fit, or changes what it may not; Error(no_match) for a preserved path that is not there;
// Error(io). Then the tree may be half patched.
WheelFacts patch_tree(const Fd& scratch, const std::string& tree, const WheelFacts& facts,
                      const PatchJob& job);

}  // namespace axle
