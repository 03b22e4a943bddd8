#include "action/worker.h"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include "axle/base/error.h"
#include "base/fd.h"
#include "base/interrupt.h"

namespace axle {
namespace {

constexpr std::int32_t bad_request = 2;  // the exit status of a request that makes no sense
constexpr std::size_t max_waiting = 65536;

struct Task {
  WorkRequest request;
  std::atomic<bool> cancelled{false};
};
using TaskPtr = std::shared_ptr<Task>;

// Requests that wait, and the threads that take them.
class Lane {
 public:
  Lane(unsigned threads, std::function<void(const TaskPtr&)> run) : most_(threads), run_(std::move(run)) {}
  ~Lane() { finish(); }
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  void put(TaskPtr task) {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [&] { return waiting_.size() < max_waiting; });
    waiting_.push_back(std::move(task));
    if (idle_ < waiting_.size() && threads_.size() < most_) threads_.emplace_back([this] { take_all(); });
    lock.unlock();
    ready_.notify_one();
  }

  // When everything that waits is done.
  void finish() {
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
    }
    ready_.notify_all();
    threads_.clear();
  }

 private:
  void take_all() {
    std::unique_lock lock(mutex_);
    while (true) {
      ++idle_;
      ready_.wait(lock, [&] { return ending_ || !waiting_.empty(); });
      --idle_;
      if (waiting_.empty()) return;
      const TaskPtr task = std::move(waiting_.front());
      waiting_.pop_front();
      lock.unlock();
      room_.notify_one();
      run_(task);
      lock.lock();
    }
  }

  const std::size_t most_;
  const std::function<void(const TaskPtr&)> run_;
  std::mutex mutex_;
  std::condition_variable ready_;
  std::condition_variable room_;
  std::deque<TaskPtr> waiting_;
  std::size_t idle_ = 0;
  bool ending_ = false;
  std::vector<std::jthread> threads_;  // last: they use all of the above
};

class Worker {
 public:
  Worker(const WorkerOptions& options, const Work& work)
      : options_(options),
        work_(work),
        single_(1, [this](const TaskPtr& task) { run(task); }),
        multiple_(options.threads, [this](const TaskPtr& task) { run(task); }) {}

  void serve() {
    std::string first;
    std::optional<WorkForm> form = options_.form;
    std::string piece;
    while (!form && read_piece(piece)) {
      first += piece;
      form = detect_form(first);
    }
    if (!form) {
      if (first.empty()) return;
      form = WorkForm::protobuf;  // so short that it can be nothing else, and is cut short as that
    }
    form_ = *form;
    WorkFrames frames(form_);
    frames.append(first);
    do {
      while (const auto message = frames.next()) accept(*message);
      if (!read_piece(piece)) break;
      frames.append(piece);
    } while (true);
    finish();
    if (!frames.is_clean()) {
      throw Error(ErrorCode::bad_input, Place{"standard input"}, "ends in the middle of a work request");
    }
  }

 private:
  bool read_piece(std::string& piece) const {
    piece.resize(64U << 10);
    while (true) {
      throw_if_interrupted();
      const ssize_t got = read(options_.input, piece.data(), piece.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) throw_errno("cannot read", "standard input");
      piece.resize(static_cast<std::size_t>(got));
      return got > 0;
    }
  }

  void accept(std::string_view message) {
    auto task = std::make_shared<Task>();
    try {
      task->request = parse_work_request(form_, message);
    } catch (const Error& error) {
      respond({bad_request, std::string("error: ") + error.what() + "\n", guess_request_id(form_, message),
               false});
      return;
    }
    const std::int32_t id = task->request.id;
    {
      const std::lock_guard lock(mutex_);
      if (task->request.cancel) {
        const auto [first, last] = open_.equal_range(id);
        for (auto it = first; it != last; ++it) it->second->cancelled.store(true, std::memory_order_relaxed);
        return;
      }
      open_.emplace(id, task);
    }
    (id == 0 ? single_ : multiple_).put(std::move(task));
  }

  void run(const TaskPtr& task) {
    WorkResponse response;
    response.id = task->request.id;
    const CancelScope scope(task->cancelled);
    if (task->cancelled.load(std::memory_order_relaxed)) {
      response.was_cancelled = true;
    } else {
      const WorkOutcome outcome = work_(task->request);
      response.was_cancelled = outcome.interrupted && task->cancelled.load(std::memory_order_relaxed);
      if (!response.was_cancelled) {
        response.exit_code = outcome.exit_code;
        response.output = outcome.output;
      }
    }
    {
      const std::lock_guard lock(mutex_);
      const auto [first, last] = open_.equal_range(response.id);
      for (auto it = first; it != last; ++it) {
        if (it->second != task) continue;
        open_.erase(it);
        break;
      }
    }
    respond(response);
  }

  void respond(const WorkResponse& response) {
    const std::string bytes = render_work_response(form_, response);
    const std::lock_guard lock(output_mutex_);
    std::string_view rest = bytes;
    while (!rest.empty()) {
      const ssize_t put = write(options_.output, rest.data(), rest.size());
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return;  // nobody listens any more; the end of the input follows
      rest.remove_prefix(static_cast<std::size_t>(put));
    }
  }

  void finish() {
    single_.finish();
    multiple_.finish();
  }

  const WorkerOptions& options_;
  const Work& work_;
  WorkForm form_ = WorkForm::protobuf;
  std::mutex mutex_;
  std::multimap<std::int32_t, TaskPtr> open_;  // not yet answered
  std::mutex output_mutex_;
  Lane single_;
  Lane multiple_;
};

}  // namespace

void run_worker(const WorkerOptions& options, const Work& work) { Worker(options, work).serve(); }

}  // namespace axle
