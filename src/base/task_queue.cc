#include "base/task_queue.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "base/parallel.h"

namespace axle {
namespace {

// Starting a thread costs as much as working through so many bytes.
constexpr std::uint64_t worth_a_thread = 256U << 10;
// Waiting tasks for each thread: enough that none has to wait, and so few that not much is open at a time.
constexpr std::size_t few = 16;

}  // namespace

TaskQueue::TaskQueue(unsigned threads) : max_threads_(threads) {
  if (threads > 0) grow_descriptor_table();
}

TaskQueue::~TaskQueue() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }
  for (std::thread& thread : threads_) thread.join();
}

void TaskQueue::add(std::uint64_t group, std::uint64_t weight, std::function<void()> task) {
  put(tasks_, group, weight, std::move(task));
}

void TaskQueue::add_opening(std::uint64_t weight, std::function<void()> task) {
  put(openings_, 0, weight, std::move(task));
}

void TaskQueue::put(Heap& heap, std::uint64_t group, std::uint64_t weight, std::function<void()> run) {
  const std::lock_guard lock(mutex_);
  if (closed_) return;  // nobody would do it, and no thread may begin while the others are waited for
  heap.push_back({group, weight, next_number_++, std::move(run)});
  std::push_heap(heap.begin(), heap.end());
  waiting_weight_ += weight;
  if (threads_.size() < max_threads_ && waiting_weight_ > worth_a_thread * (threads_.size() + 1)) {
    try {
      move_elsewhere(threads_.emplace_back([this] { serve(); }).native_handle());
    } catch (const std::system_error&) {
      max_threads_ = static_cast<unsigned>(threads_.size());  // no more may be started
    }
  }
  changed_.notify_one();
}

TaskQueue::Heap* TaskQueue::next_heap(std::uint64_t most_weight) {
  const bool enough = tasks_.size() >= few * (max_threads_ + 1);
  for (Heap* heap : {enough ? &tasks_ : &openings_, &tasks_}) {
    if (!heap->empty() && heap->front().weight <= most_weight) return heap;
  }
  return nullptr;
}

bool TaskQueue::run_one(std::unique_lock<std::mutex>& lock, std::uint64_t most_weight) {
  Heap* const next = next_heap(most_weight);
  if (next == nullptr) return false;
  Heap& heap = *next;
  std::pop_heap(heap.begin(), heap.end());
  Task task = std::move(heap.back());
  heap.pop_back();
  waiting_weight_ -= task.weight;
  ++running_;
  lock.unlock();
  task.run();
  task.run = nullptr;  // frees what it holds before anybody is told
  lock.lock();
  --running_;
  if (running_ == 0) changed_.notify_all();
  return true;
}

void TaskQueue::serve() {
  std::unique_lock lock(mutex_);
  while (!closed_) {
    if (!run_one(lock)) changed_.wait(lock);
  }
}

void TaskQueue::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    if (run_one(lock)) continue;
    if (running_ == 0) return;
    changed_.wait(lock);
  }
}

bool TaskQueue::work_once(std::uint64_t most_weight) {
  std::unique_lock lock(mutex_);
  return run_one(lock, most_weight);
}

}  // namespace axle
