#pragma once
// Whether every reader of an archive must see the same in it.

#include <vector>

#include "archive/format.h"
#include "axle/archive/archive.h"

namespace axle::zip {

// The members of an archive that passes, in the order of the central directory. Throws Error(bad_input), or
// Error(unsupported) for encryption and foreign methods. Memory is bounded by the limits, not by the file.
std::vector<Member> audit(const Source& source, const ArchiveLimits& limits);

}  // namespace axle::zip
