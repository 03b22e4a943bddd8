#pragma once
// Identities of what lies at a path: equal ones need no change. Plans and what is installed use the same.

#include <string>
#include <vector>

#include "axle/plan/plan.h"

namespace axle {

std::string file_identity(const Sha256& digest);
// Of a script whose first line is replaced; `file` is the identity of what the wheel has.
std::string script_identity(const std::string& file, const std::string& interpreter);
// After `what` of an entry: relative links are other links.
std::string link_suffix(const Plan& plan, Lay lay);
std::string tree_identity(const Sha256& digest);
// `what` is one of the above, or names another kind of content; `wheel` counts for links only.
Sha256 laid_identity(std::string what, bool executable, Lay lay, const Sha256& wheel);

// What a RECORD says follows from the wheel, the files of it that are not laid, and what is laid besides; not
// from which directories are one entry of the plan and which are divided. So that is what its identity is
// made of: a text for each distribution, of entries that have theirs. A row is what an entry adds to it.
std::vector<std::string> record_sums(const Plan& plan);
std::string record_sum_row(const RelPath& path, const Sha256& identity);
Sha256 record_identity(const std::string& sum);

}  // namespace axle
