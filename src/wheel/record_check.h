#pragma once
// RECORD against the list of an archive's members, as far as no content is needed.

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "axle/archive/archive.h"
#include "axle/wheel/inspect.h"
#include "axle/wheel/record.h"

namespace axle {

struct RecordCheck {
  std::vector<std::optional<Expectation>> expected;  // one for each member
  std::vector<RecordFault> faults;
};

// `text` is the RECORD of the directory `dist_info`; `name` is what errors call it. Throws Error(bad_input)
// as parse_record does, and for a path that leaves the archive's root.
RecordCheck check_record(std::string_view text, std::span<const Member> members, std::string_view dist_info,
                         std::string_view name);

}  // namespace axle
