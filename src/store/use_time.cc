#include "store/use_time.h"

#include <chrono>

namespace axle {

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

bool is_old_use(std::int64_t used_ns) {
  constexpr std::int64_t day_ns = std::int64_t{24} * 3600 * 1'000'000'000;
  return now_ns() - used_ns > day_ns;
}

}  // namespace axle
