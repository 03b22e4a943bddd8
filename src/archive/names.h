#pragma once
// Rules for the names of an archive's members, one by one and together.

#include <vector>

#include "archive/central.h"
#include "archive/format.h"

namespace axle::zip {

// Every name (without a directory's trailing slash) is a RelPath that shows all of its characters and reads
// the same in every encoding that tools assume; no two are equal; none lies below another that is a file.
// Throws Error(bad_input).
void check_names(const Source& source, const std::vector<CentralEntry>& entries);

}  // namespace axle::zip
