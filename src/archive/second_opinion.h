#pragma once
// libzip's view of an archive, compared with ours.

#include <vector>

#include "archive/central.h"
#include "archive/end_record.h"
#include "archive/format.h"

namespace axle::zip {

// Lets libzip list the archive. Throws Error(bad_input) when it cannot, or when it sees another name, size,
// CRC or method, another order or number of members than `entries`.
void compare_with_libzip(const Source& source, const Tail& tail, const std::vector<CentralEntry>& entries);

}  // namespace axle::zip
