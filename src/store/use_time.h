#pragma once
// When something in the store was last used: the modification time of a file, for gc --older-than.

#include <cstdint>

namespace axle {

std::int64_t now_ns();  // since 1970

// Whether the time of use is to be written down again: no more often than once a day.
bool is_old_use(std::int64_t used_ns);

}  // namespace axle
