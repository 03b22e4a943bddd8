#include "base/interrupt.h"

#include <atomic>

#include "axle/base/error.h"

namespace axle {
namespace {
std::atomic<int> requested{0};
thread_local const std::atomic<bool>* cancelled = nullptr;
}  // namespace

void request_interrupt(int signal) noexcept { requested.store(signal, std::memory_order_relaxed); }
int interrupt_signal() noexcept { return requested.load(std::memory_order_relaxed); }

void throw_if_interrupted() {
  if (interrupt_signal() != 0) throw Error(ErrorCode::interrupted, "interrupted");
  if (cancelled != nullptr && cancelled->load(std::memory_order_relaxed))
    throw Error(ErrorCode::interrupted, "cancelled");
}

CancelScope::CancelScope(const std::atomic<bool>& flag) noexcept { cancelled = &flag; }
CancelScope::~CancelScope() { cancelled = nullptr; }

}  // namespace axle
