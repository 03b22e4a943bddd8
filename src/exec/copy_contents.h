#pragma once
// The bytes of one file into another.

#include <cstdint>
#include <string>

#include "base/fd.h"

namespace axle {

// Copies `size` bytes from the beginning of `from`; the rest of what it may have is left. `name` of `to` is
// for errors. False when `from` is shorter.
bool copy_contents(const Fd& from, const Fd& to, std::uint64_t size, const std::string& name);

}  // namespace axle
