#pragma once
// A wheel seen from its central directory: only members of its dist-info are inflated.

#include <string>

#include "axle/archive/archive.h"
#include "axle/wheel/facts.h"
#include "axle/wheel/inspect.h"

namespace axle {

struct WheelScan {
  WheelHead head;
  // Names, places, sizes and entry points are right; a digest is made from size and CRC, and what only
  // contents tell (native objects, stubs, startup lines) is missing.
  WheelFacts facts;
};

// `path` is where the archive is, `name` its wheel file name. Throws Error(bad_input), Error(unsupported),
// Error(io).
WheelScan scan_wheel(const std::string& path, const std::string& name, FactsDetail detail);

}  // namespace axle
