#include "action/worker.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <set>
#include <thread>

#include "axle/base/error.h"
#include "base/fd.h"
#include "base/interrupt.h"

namespace axle {
namespace {

// A worker on two pipes.
class WorkerTest : public testing::Test {
 protected:
  void start(Work work) {
    int to[2];
    int from[2];
    ASSERT_EQ(pipe(to), 0);
    ASSERT_EQ(pipe(from), 0);
    to_ = Fd(to[1]);
    from_ = Fd(from[0]);
    inside_ = Fd(to[0]);
    outside_ = Fd(from[1]);
    work_ = std::move(work);
    thread_ = std::thread([this] {
      WorkerOptions options;
      options.threads = 3;
      options.input = inside_.get();
      options.output = outside_.get();
      try {
        run_worker(options, work_);
      } catch (const Error& error) {
        failure_ = error.what();
      }
      outside_ = Fd();
    });
  }

  void send(const std::string& text) {
    ASSERT_EQ(write(to_.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }

  // One line of the answer.
  std::string receive() {
    std::string line;
    for (char c = 0; read(from_.get(), &c, 1) == 1;) {
      if (c == '\n') break;
      line += c;
    }
    return line;
  }

  std::string finish() {
    to_ = Fd();
    std::string rest;
    for (std::string line = receive(); !line.empty(); line = receive()) rest += line + "\n";
    thread_.join();
    return rest;
  }

  void TearDown() override {
    to_ = Fd();
    if (thread_.joinable()) thread_.join();
  }

  Fd to_, from_, inside_, outside_;
  Work work_;
  std::thread thread_;
  std::string failure_;
};

TEST_F(WorkerTest, AnswersEachRequestOnce) {
  start([](const WorkRequest& request) { return WorkOutcome{0, request.arguments.at(0), false}; });
  for (int i = 1; i <= 100; ++i) send(R"({"arguments":["a"],"requestId":)" + std::to_string(i) + "}");
  std::set<std::string> answers;
  for (int i = 1; i <= 100; ++i) answers.insert(receive());
  EXPECT_EQ(answers.size(), 100U);
  EXPECT_TRUE(answers.contains(R"({"exitCode":0,"output":"a","requestId":77})"));
  EXPECT_EQ(finish(), "");
}

TEST_F(WorkerTest, DoesRequestsWithoutIdOneAfterAnother) {
  std::atomic<int> running{0};
  std::atomic<bool> overlapped{false};
  start([&](const WorkRequest& request) {
    if (++running != 1) overlapped = true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    --running;
    return WorkOutcome{0, request.arguments.at(0), false};
  });
  for (int i = 0; i < 20; ++i) send(R"({"arguments":[")" + std::to_string(i) + "\"]}");
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(receive(), R"({"exitCode":0,"output":")" + std::to_string(i) + R"(","requestId":0})");
  }
  finish();
  EXPECT_FALSE(overlapped);
}

TEST_F(WorkerTest, CancelsWhatRunsAndWhatWaits) {
  start([](const WorkRequest& request) {
    try {
      for (int i = 0; i < 10000 && request.arguments.at(0) == "long"; ++i) {
        throw_if_interrupted();
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
    } catch (const Error&) {
      return WorkOutcome{130, "stopped", true};
    }
    return WorkOutcome{0, "done", false};
  });
  for (int id = 1; id <= 4; ++id) send(R"({"arguments":["long"],"requestId":)" + std::to_string(id) + "}");
  for (int id : {4, 1, 2, 3, 99}) send(R"({"cancel":true,"requestId":)" + std::to_string(id) + "}");
  std::set<std::string> answers;
  for (int i = 0; i < 4; ++i) answers.insert(receive());
  for (int id = 1; id <= 4; ++id) {
    EXPECT_TRUE(answers.contains(R"({"exitCode":0,"output":"","requestId":)" + std::to_string(id) +
                                 R"(,"wasCancelled":true})"))
        << id;
  }
  send(R"({"arguments":["short"],"requestId":1})");
  EXPECT_EQ(receive(), R"({"exitCode":0,"output":"done","requestId":1})");
  EXPECT_EQ(finish(), "");
}

TEST_F(WorkerTest, GoesOnAfterRequestsThatAreNone) {
  start([](const WorkRequest&) { return WorkOutcome{3, "x", false}; });
  send("{\"arguments\":5,\"requestId\":8}");
  EXPECT_NE(receive().find("\"requestId\":8"), std::string::npos);
  send("rubbish\n{}");
  EXPECT_NE(receive().find("\"exitCode\":2"), std::string::npos);
  EXPECT_EQ(receive(), R"({"exitCode":3,"output":"x","requestId":0})");
  send("{\"half\":");
  finish();
  EXPECT_NE(failure_.find("middle"), std::string::npos);
}

}  // namespace
}  // namespace axle
