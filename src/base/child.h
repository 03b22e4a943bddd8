#pragma once
// A child process that is waited for, or killed.

#include <sys/types.h>

#include <chrono>
#include <utility>

namespace axle {

// Leads a process group of its own (POSIX_SPAWN_SETPGROUP). The destructor kills the group and waits.
class Child {
 public:
  explicit Child(pid_t pid) noexcept : pid_(pid) {}
  Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
  Child& operator=(Child&& other) noexcept {
    std::swap(pid_, other.pid_);
    return *this;
  }
  ~Child();

  // Waits until the deadline; false when the child still runs then. `status` is waitpid's.
  bool wait_until(std::chrono::steady_clock::time_point deadline, int& status);

 private:
  pid_t pid_;
};

}  // namespace axle
