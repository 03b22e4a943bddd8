#pragma once
// Identities of what lies at a path: equal ones need no change. Plans and what is installed use the same.

#include <string>

#include "axle/plan/plan.h"

namespace axle {

std::string file_identity(const Sha256& digest);
// After `what` of an entry: relative links are other links.
std::string link_suffix(const Plan& plan, Lay lay);
std::string tree_identity(const Sha256& digest);
// `what` is one of the above, or names another kind of content; `wheel` counts for links only.
Sha256 laid_identity(std::string what, bool executable, Lay lay, const Sha256& wheel);

}  // namespace axle
