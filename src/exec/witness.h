#pragma once
// How a directory looked when axle left it. Where it still looks so, nothing was put in or taken out since.

#include <cstdint>
#include <string>
#include <vector>

#include "axle/plan/diff.h"
#include "axle/plan/plan.h"
#include "base/fd.h"

namespace axle {

struct Witness {
  std::string path;  // relative to the root; "" is the root itself
  std::uint64_t inode = 0;
  std::int64_t mtime_ns = 0;
  friend bool operator==(const Witness&, const Witness&) = default;
};

bool still_holds(const Fd& root, const Witness& place);
bool still_holds(const Fd& root, const std::vector<Witness>& places);
// The same for those places alone in which one of these paths lies.
bool still_hold_beside(const Fd& root, const std::vector<std::string>& paths,
                       const std::vector<Witness>& places);

// Of site-packages and every dist-info of the plan, as they are now; absent ones are left out. Those of
// `known` serve where nothing in the directory is changed: what somebody does there meanwhile is noticed next
// time.
std::vector<Witness> witness_plan(const Fd& root, const Plan& plan, const Changes& changes,
                                  const std::vector<Witness>& known);

}  // namespace axle
