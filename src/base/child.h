#pragma once
// A child process that is waited for, or killed.

#include <sys/types.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "base/fd.h"

namespace axle {

// Leads a process group of its own. The destructor kills the group and waits.
class Child {
 public:
  Child() noexcept = default;  // none
  // Starts the program whose path is the first of `words`, with these as its standard input and output and
  // with none for errors; `input` may be nullptr: nothing comes in. Throws Error(io).
  static Child start(std::vector<std::string> words, const Fd* input, const Fd& output);

  Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
  Child& operator=(Child&& other) noexcept {
    std::swap(pid_, other.pid_);
    return *this;
  }
  ~Child();

  // Waits until the deadline; false when the child still runs then. `status` is waitpid's.
  bool wait_until(std::chrono::steady_clock::time_point deadline, int& status);

 private:
  explicit Child(pid_t pid) noexcept : pid_(pid) {}

  pid_t pid_ = -1;
};

// Until a descriptor can be read (POLLIN) or written (POLLOUT), or has failed; false when the deadline comes
// first. Throws Error(interrupted).
bool wait_for(const Fd& fd, short events, std::chrono::steady_clock::time_point deadline);

}  // namespace axle
