#pragma once
// What build systems read: depfiles, dyndep files, manifests, stamps. Pure; sorted, LF, the same for the same
// plan.

#include <string>
#include <vector>

#include "action/request.h"
#include "axle/plan/flatten.h"

namespace axle {

// "target: inputs" as Make and Ninja read it, or (DepStyle::lines) one path a line. Throws Error(usage) for a
// path with a line end.
std::string render_depfile(const std::string& target, const std::vector<std::string>& inputs,
                           ActionRequest::DepStyle style);

// The files of a tree as implicit outputs of the edge whose output is `stamp`.
std::string render_dyndep(const std::string& stamp, const std::string& into,
                          const std::vector<FlatEntry>& entries);

// [[dst, src, origin], ...] of what lies in site-packages: dst below it, src with the tree's path. `origins`
// are those of plan.dists.
std::string render_manifest(const Plan& plan, const std::string& into, const std::vector<FlatEntry>& entries,
                            const std::vector<std::string>& origins);

// Equal for trees that are equal.
std::string render_stamp(const Plan& plan);

}  // namespace axle
