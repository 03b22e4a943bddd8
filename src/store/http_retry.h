#pragma once
// What to do after an answer or a broken connection: pure, so that it can be tested without a server.

#include <chrono>
#include <optional>

#include "axle/store/fetch.h"

namespace axle {

enum class Verdict { accept, redirect, absent, retry, refuse };

// spec: RFC 9110 §15. `status` is that of a GET.
Verdict judge_status(long status) noexcept;

// How long to wait before attempt `attempt` (1 is the first repetition); doubles, without randomness, up to
// the cap. With what the server asked for by Retry-After, that, where it is longer; nullopt when it asks for
// too much.
std::optional<std::chrono::milliseconds> find_delay(unsigned attempt, std::chrono::seconds retry_after,
                                                    const FetchOptions& options) noexcept;

}  // namespace axle
