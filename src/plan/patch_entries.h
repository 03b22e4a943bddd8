#pragma once

#include <map>
#include <string>
#include <vector>

#include "axle/plan/plan.h"

namespace axle {

// The plan with other rpaths for some of its files, by path: each becomes a Patched entry, and the trees that
// they are in become their parts. Paths that are no file of a wheel are passed over. Pure.
Plan patch_entries(Plan plan, const std::map<std::string, std::vector<std::string>>& rpaths);

}  // namespace axle
