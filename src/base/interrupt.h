#pragma once
// Stopping early. The command line's signal handler asks, or who cancels one of several tasks; long loops
// look and throw, and what they hold rolls back.

#include <atomic>

namespace axle {

// Async-signal-safe. Takes effect for the whole process, once.
void request_interrupt(int signal) noexcept;
// The signal that was asked for, or 0.
int interrupt_signal() noexcept;
// Throws Error(interrupted) when a stop was asked for, of the process or of this thread's task.
void throw_if_interrupted();

// While it lives, what this thread does stops when `flag` is set.
class CancelScope {
 public:
  explicit CancelScope(const std::atomic<bool>& flag) noexcept;
  ~CancelScope();
  CancelScope(const CancelScope&) = delete;
  CancelScope& operator=(const CancelScope&) = delete;
};

}  // namespace axle
