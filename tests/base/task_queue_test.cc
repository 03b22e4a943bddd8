#include "base/task_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace axle {
namespace {

constexpr std::uint64_t heavy = 1U << 20;

TEST(TaskQueue, DoesWhatItsTasksAdd) {
  std::atomic<int> done{0};
  TaskQueue queue(2);
  for (int i = 0; i < 20; ++i) {
    queue.add_opening(heavy, [&] {
      for (int k = 0; k < 5; ++k) queue.add(1, heavy, [&] { ++done; });
    });
  }
  queue.work();
  EXPECT_EQ(done, 100);
}

TEST(TaskQueue, TakesTheHeaviestOfTheFirstGroup) {
  std::vector<int> order;
  TaskQueue queue(0);
  const auto task = [&](int number) { return [&order, number] { order.push_back(number); }; };
  queue.add(2, 90, task(4));
  queue.add(1, 10, task(3));
  queue.add(2, 20, task(5));
  queue.add(1, 20, task(1));
  queue.add(1, 20, task(2));
  queue.work();
  EXPECT_EQ(order, (std::vector{1, 2, 3, 4, 5}));
}

TEST(TaskQueue, GivesWhoHasLittleTimeWhatIsLight) {
  std::vector<int> order;
  TaskQueue queue(0);
  const auto task = [&](int number) { return [&order, number] { order.push_back(number); }; };
  EXPECT_FALSE(queue.work_once(heavy));
  queue.add(1, 2 * heavy, task(3));
  EXPECT_EQ(queue.waiting_weight(), 2 * heavy);
  EXPECT_FALSE(queue.work_once(heavy));
  queue.add_opening(heavy, task(1));
  EXPECT_TRUE(queue.work_once(heavy));
  queue.add_opening(3 * heavy, task(4));
  EXPECT_FALSE(queue.work_once(heavy));
  EXPECT_TRUE(queue.work_once(2 * heavy)) << "the heavy opening does not keep it from the rest";
  EXPECT_EQ(queue.waiting_weight(), 3 * heavy);
  queue.work();
  EXPECT_EQ(order, (std::vector{1, 3, 4}));
  EXPECT_EQ(queue.waiting_weight(), 0U);
}

// As when a download fails while other wheels are being unpacked.
TEST(TaskQueue, EndsWhileTasksAddOthers) {
  for (int round = 0; round < 300; ++round) {
    std::atomic<bool> begun{false};
    TaskQueue queue(8);
    queue.add(1, heavy, [&] {
      begun = true;
      for (int k = 0; k < 200; ++k) queue.add(2, heavy, [] {});
    });
    while (!begun) std::this_thread::yield();
  }
}

}  // namespace
}  // namespace axle
