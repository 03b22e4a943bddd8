#pragma once
// The marker environment of a target that has no interpreter here.

#include <string_view>

#include "axle/pep/marker.h"
#include "axle/pep/tag.h"

namespace axle {

// The values that the target's interpreter reports. `python_full_version` may be "": then the target's python
// with
// ".0" where it has two parts only. platform_release and platform_version are "": they belong to a running
// system. Throws Error(bad_input) for a platform tag of an operating system that is unknown. Pure,
// thread-safe. spec: "Dependency specifiers", environment markers.
MarkerEnvironment target_environment(const TagTarget& target, std::string_view python_full_version = {});

}  // namespace axle
