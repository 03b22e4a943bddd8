#include "base/task_queue.h"

#include <gtest/gtest.h>

#include <atomic>

namespace axle {
namespace {

constexpr std::uint64_t heavy = 1U << 20;

TEST(TaskQueue, DoesWhatItsTasksAdd) {
  std::atomic<int> done{0};
  TaskQueue queue(2);
  for (int i = 0; i < 20; ++i) {
    queue.add_opening(heavy, [&] {
      for (int k = 0; k < 5; ++k) queue.add(heavy, [&] { ++done; });
    });
  }
  queue.work();
  EXPECT_EQ(done, 100);
}

// As when a download fails while other wheels are being unpacked.
TEST(TaskQueue, EndsWhileTasksAddOthers) {
  for (int round = 0; round < 300; ++round) {
    std::atomic<bool> begun{false};
    TaskQueue queue(8);
    queue.add(heavy, [&] {
      begun = true;
      for (int k = 0; k < 200; ++k) queue.add(heavy, [] {});
    });
    while (!begun) std::this_thread::yield();
  }
}

}  // namespace
}  // namespace axle
