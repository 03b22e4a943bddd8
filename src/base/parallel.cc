#include "base/parallel.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <limits>
#include <mutex>
#include <thread>
#include <vector>

#include "base/interrupt.h"

namespace axle {
namespace {

// While several threads share the descriptor table, each growth of it waits for an RCU grace period (some 10
// ms). So it grows to a useful size before the first thread starts.
void grow_descriptor_table() {
  static std::once_flag once;
  std::call_once(once, [] {
    const int high = fcntl(0, F_DUPFD_CLOEXEC, 1000);
    if (high >= 0) close(high);
  });
}

}  // namespace

void parallel_for(std::size_t count, unsigned jobs, const std::function<void(std::size_t)>& body) {
  std::atomic<std::size_t> next{0};
  std::mutex failure_mutex;
  std::exception_ptr failure;
  std::size_t failed_index = std::numeric_limits<std::size_t>::max();

  const auto work = [&] {
    for (std::size_t i = next++; i < count; i = next++) {
      try {
        throw_if_interrupted();
        body(i);
      } catch (...) {
        next.store(count, std::memory_order_relaxed);
        const std::lock_guard lock(failure_mutex);
        if (i < failed_index) {
          failed_index = i;
          failure = std::current_exception();
        }
      }
    }
  };

  std::vector<std::jthread> threads;
  const std::size_t helpers = std::min<std::size_t>(std::max(jobs, 1U), count);
  if (helpers > 1) grow_descriptor_table();
  for (std::size_t i = 1; i < helpers; ++i) threads.emplace_back(work);
  work();
  threads.clear();
  if (failure) std::rethrow_exception(failure);
}

unsigned available_jobs() noexcept {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return std::max(1U, std::thread::hardware_concurrency());
  return static_cast<unsigned>(std::max(1, CPU_COUNT(&set)));
}

}  // namespace axle
