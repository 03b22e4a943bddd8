#pragma once
// The facts of a wheel for rule sets: what it installs and where, as one JSON object (docs/json.md).

#include <optional>
#include <string>

#include "action/wheel_scan.h"

namespace axle {

// `facts`: what was found when the wheel was unpacked; adds what only contents tell. Throws Error(bad_input)
// when they are another wheel's. Pure.
std::string render_wheel_json(const WheelScan& scan, const std::optional<WheelFacts>& facts);

}  // namespace axle
