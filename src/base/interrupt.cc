#include "base/interrupt.h"

#include <atomic>

#include "axle/base/error.h"

namespace axle {
namespace {
std::atomic<int> requested{0};
}

void request_interrupt(int signal) noexcept { requested.store(signal, std::memory_order_relaxed); }
int interrupt_signal() noexcept { return requested.load(std::memory_order_relaxed); }

void throw_if_interrupted() {
  if (interrupt_signal() != 0) throw Error(ErrorCode::interrupted, "interrupted");
}

}  // namespace axle
