#include "base/parallel.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <limits>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "base/interrupt.h"

namespace axle {

// While several threads share the descriptor table, each growth of it waits for an RCU grace period (some 10
// ms). So it grows to a useful size before the first thread starts.
void grow_descriptor_table() {
  static std::once_flag once;
  std::call_once(once, [] {
    const int high = fcntl(0, F_DUPFD_CLOEXEC, 1000);
    if (high >= 0) close(high);
  });
}

// The kernel may well put a new thread on the processor of the thread that made it, where it waits for that
// one although another is idle. Excluding that processor moves it; then it may use all again.
void move_elsewhere(std::thread::native_handle_type thread) noexcept {
  cpu_set_t all;
  if (sched_getaffinity(0, sizeof all, &all) != 0) return;
  cpu_set_t others = all;
  const int here = sched_getcpu();
  if (here < 0 || here >= CPU_SETSIZE) return;
  CPU_CLR(static_cast<unsigned>(here), &others);
  if (CPU_COUNT(&others) == 0) return;
  pthread_setaffinity_np(thread, sizeof others, &others);
  pthread_setaffinity_np(thread, sizeof all, &all);
}

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
  try {
    for (std::size_t i = 1; i < helpers; ++i) move_elsewhere(threads.emplace_back(work).native_handle());
  } catch (const std::system_error&) {
    // No more may be started (ulimit -u, a container's limit): those that are there do it.
  }
  work();
  threads.clear();
  if (failure) std::rethrow_exception(failure);
}

void parallel_in_order(std::size_t count, unsigned jobs, std::size_t window,
                       const std::function<void(std::size_t)>& produce,
                       const std::function<void(std::size_t)>& consume) {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<bool> ready(window);
  std::size_t next = 0;
  bool consuming = false;
  bool failed = false;
  const auto may_begin = [&](std::size_t i) {
    std::unique_lock lock(mutex);
    while (!failed && i >= next + window) {
      changed.wait_for(lock, std::chrono::milliseconds(100));
      throw_if_interrupted();
    }
    return !failed;
  };
  const auto consume_what_is_ready = [&] {
    std::unique_lock lock(mutex);
    if (consuming || failed) return;  // whoever consumes looks again before he stops
    consuming = true;
    while (!failed && next < count && ready[next % window]) {
      lock.unlock();
      consume(next);
      lock.lock();
      ready[next % window] = false;
      ++next;
      changed.notify_all();
    }
    consuming = false;
  };
  parallel_for(count, static_cast<unsigned>(std::min<std::size_t>(jobs, window)), [&](std::size_t i) {
    try {
      if (!may_begin(i)) return;
      produce(i);
      {
        const std::lock_guard lock(mutex);
        ready[i % window] = true;
      }
      consume_what_is_ready();
    } catch (const Abandoned&) {
      const std::lock_guard lock(mutex);
      failed = true;
      changed.notify_all();
    } catch (...) {
      const std::lock_guard lock(mutex);
      failed = true;
      changed.notify_all();
      throw;
    }
  });
}

unsigned available_jobs() noexcept {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return std::max(1U, std::thread::hardware_concurrency());
  return static_cast<unsigned>(std::max(1, CPU_COUNT(&set)));
}

}  // namespace axle
