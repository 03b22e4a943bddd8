#pragma once
// The local headers: what a reader sees that goes through the file from its begin. spec:
// APPNOTE 4.3.7, 4.3.9.

#include <cstdint>
#include <vector>

#include "archive/central.h"
#include "archive/format.h"

namespace axle::zip {

// Reads every local header and data descriptor and compares them with the central headers. The members, their
// headers and their descriptors fill the file from its begin to `directory_offset` with no gap and no
// overlap. Returns for each entry where its data begins. Throws Error(bad_input); Error(unsupported) for a
// member that is consistent, but encrypted or packed by another method than deflate.
std::vector<std::uint64_t> check_local_headers(const Source& source, const std::vector<CentralEntry>& entries,
                                               std::uint64_t directory_offset);

// What of this the central headers tell by themselves: they leave room for each other, and are of kinds that
// are supported. Reads nothing.
void check_extents(const Source& source, const std::vector<CentralEntry>& entries,
                   std::uint64_t directory_offset);

// The same for one of entries that passed check_extents: where its data begins.
std::uint64_t check_local_header(const Source& source, const std::vector<CentralEntry>& entries,
                                 std::uint64_t directory_offset, std::size_t entry);

}  // namespace axle::zip
