#pragma once
// Poetry's own way to write versions: "^1.2", "~1.2", "1.*", ">=1,<2 || ^3".

#include <optional>
#include <string_view>

#include "axle/lock/lock.h"

namespace axle::lockfile {

// nullopt for what is no constraint.
std::optional<VersionRange> parse_poetry_range(std::string_view text);

}  // namespace axle::lockfile
