#pragma once
// Threads that live as long as the work, and take the tasks group by group.

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace axle {

// Weights are in bytes to be worked through, roughly. Tasks may add tasks, must not throw, and their results
// must not depend on the order in which they are done.
class TaskQueue {
 public:
  // At most so many threads beside those that call work(). They are started when there is enough to do.
  explicit TaskQueue(unsigned threads);
  ~TaskQueue();  // what was not begun is dropped
  TaskQueue(const TaskQueue&) = delete;
  TaskQueue& operator=(const TaskQueue&) = delete;

  // Tasks of an earlier group come first; within a group the heaviest.
  void add(std::uint64_t group, std::uint64_t weight, std::function<void()> task);
  // A task that adds others and holds memory or descriptors until they are done: begun, the heaviest first,
  // only while few others wait, so that few are open at any time.
  void add_opening(std::uint64_t weight, std::function<void()> task);
  // Of all tasks that nobody has begun.
  std::uint64_t waiting_weight() const noexcept { return waiting_weight_.load(std::memory_order_relaxed); }
  // Takes part until nothing waits and nothing is being done.
  void work();
  // For a thread that has something else to do: does one task of at most this weight; false when there is
  // none.
  bool work_once(std::uint64_t most_weight);

 private:
  struct Task {
    std::uint64_t group;
    std::uint64_t weight;
    std::uint64_t number;  // of equal ones the first
    std::function<void()> run;

    bool operator<(const Task& other) const noexcept {
      if (group != other.group) return group > other.group;
      return weight != other.weight ? weight < other.weight : number > other.number;
    }
  };

  using Heap = std::vector<Task>;

  void put(Heap& heap, std::uint64_t group, std::uint64_t weight, std::function<void()> run);
  Heap* next_heap(std::uint64_t most_weight);
  bool run_one(std::unique_lock<std::mutex>& lock, std::uint64_t most_weight = UINT64_MAX);
  void serve();

  unsigned max_threads_;
  std::mutex mutex_;
  std::condition_variable changed_;
  Heap tasks_;
  Heap openings_;
  std::atomic<std::uint64_t> waiting_weight_{0};  // changed under the mutex
  std::uint64_t next_number_ = 0;
  unsigned running_ = 0;
  bool closed_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace axle
