#pragma once
// Whether every reader of an archive must see the same in it.

#include <vector>

#include "archive/central.h"
#include "archive/end_record.h"
#include "archive/format.h"
#include "axle/archive/archive.h"

namespace axle::zip {

// The members of an archive that passes, in the order of the central directory. Throws Error(bad_input), or
// Error(unsupported) for encryption and foreign methods. Memory is bounded by the limits, not by the file.
std::vector<Member> audit(const Source& source, const ArchiveLimits& limits);

// An archive of which only the end was read: steps 1 to 3 of the audit, and that members do not overlap.
struct Listing {
  End end;
  std::vector<CentralEntry> entries;  // views of the end's bytes
};
Listing list(const Source& source, const ArchiveLimits& limits);
// Its members as audit() gives them, but with data_offset 0.
std::vector<Member> members_of(const Listing& listing);
// Step 4 for one member: where its data begins.
std::uint64_t locate(const Source& source, const Listing& listing, std::size_t member);

}  // namespace axle::zip
