#pragma once
// What a layer holds, as an mtree specification: for whoever compares an image with what it should be.
// spec: mtree(5) of FreeBSD, one line a path; names are escaped by octal numbers as in vis(3).

#include <string>
#include <vector>

#include "axle/plan/flatten.h"
#include "axle/plan/plan.h"
#include "exec/layer.h"

namespace axle {

// Pure. `entries` as for write_layer; a hard link is a line like that of the file it is.
std::string render_mtree(const Plan& plan, const std::vector<FlatEntry>& entries,
                         const LayerOptions& options);

}  // namespace axle
