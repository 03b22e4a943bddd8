#pragma once
// WHEEL: how a wheel was built and where its files belong. spec: "Binary distribution format".

#include <string>
#include <string_view>
#include <vector>

#include "axle/base/diagnostic.h"

namespace axle {

struct WheelFile {
  std::string wheel_version;  // "1.0"; of repeated fields the first counts
  std::string generator;
  // Only the exact value "true" means purelib, as in uv; "True", "yes" and a missing field mean platlib. The
  // two are one directory nearly everywhere.
  bool root_is_purelib = false;
  std::vector<std::string> tags;  // as written, folded ones split at white space; empty ones left out
  std::string build;
  Diagnostics notes;  // "wheel-version": a 1.x that is newer than 1.0
};

// Throws Error(bad_input) with `name` and line for text that is not UTF-8, a missing or malformed
// Wheel-Version; Error(unsupported) for a major version other than 1. Pure; thread-safe.
WheelFile parse_wheel_file(std::string_view text, std::string_view name);

}  // namespace axle
