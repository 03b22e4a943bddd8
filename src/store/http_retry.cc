#include "store/http_retry.h"

#include <algorithm>

namespace axle {

Verdict judge_status(long status) noexcept {
  switch (status) {
    case 200:
    case 206:
      return Verdict::accept;
    case 301:
    case 302:
    case 303:
    case 307:
    case 308:
      return Verdict::redirect;
    case 404:
    case 410:
      return Verdict::absent;
    case 408:
    case 425:
    case 429:
    case 500:
    case 502:
    case 503:
    case 504:
      return Verdict::retry;
    default:
      return Verdict::refuse;
  }
}

std::optional<std::chrono::milliseconds> find_delay(unsigned attempt, std::chrono::seconds retry_after,
                                                    const FetchOptions& options) noexcept {
  if (retry_after > options.max_retry_after) return std::nullopt;
  auto delay = std::min(options.first_backoff, options.max_backoff);
  for (unsigned i = 1; i < attempt && delay < options.max_backoff; ++i)
    delay = std::min(delay * 2, options.max_backoff);
  return std::max(delay, std::chrono::duration_cast<std::chrono::milliseconds>(retry_after));
}

}  // namespace axle
