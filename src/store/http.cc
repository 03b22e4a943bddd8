// Many downloads by one thread.
//
// Problem. Whoever takes the downloads unpacks them, which takes three times as long as receiving them from a
// server that is near, and next to nothing compared with receiving them from one that is far. He should have
// something to do from the first answer on, and never wait while there is something to receive; memory that
// holds downloads should be used again, because touching it for the first time costs as much as receiving
// into it. And this thread takes a processor from those that unpack, or waits for one.
//
// Algorithm. Requests are begun in the order of the jobs, which has some small ones first: as many as come to
// a few megabytes, until one of them is complete. From then on it depends on the taker's appetite. When he
// has next to nothing to do (always, with a slow server), as many are begun as there may be connections. When
// he has something to do, only so many that what is under way comes soon and needs little memory: a few large
// ones at the same time would all come late. When he has plenty, none.
//
// This thread unpacks as well while nothing comes (HttpCallbacks::work), a few milliseconds at a time; so
// there are as many threads as processors, and none waits for another's.

#include "store/http.h"

#include <algorithm>
#include <mutex>
#include <utility>
#include <vector>

#include "axle/base/error.h"
#include "base/interrupt.h"
#include "store/http_transfer.h"

namespace axle {
namespace {

constexpr auto longest_poll = std::chrono::milliseconds(100);  // an interrupt is seen within this
// Other threads may have left work for this one by then; the longer none came, the rarer it is looked for.
constexpr auto shortest_nap = std::chrono::milliseconds(1);
constexpr auto longest_nap = std::chrono::milliseconds(16);
constexpr auto progress_interval = std::chrono::milliseconds(50);
// Requests begun before the answers to earlier ones are looked at: the first body may be there while the last
// connection is still being opened.
constexpr unsigned at_once = 4;
// Under way before anything is complete: so many requests at least, or so many bytes.
constexpr std::size_t first_jobs = 8;
constexpr std::uint64_t first_bytes = 6 << 20;
// Under way while the taker has something to do; the last one may go beyond.
constexpr std::uint64_t most_bytes = 12 << 20;

struct MultiDeleter {
  void operator()(CURLM* multi) const noexcept { curl_multi_cleanup(multi); }
};

void check(CURLMcode code) {
  if (code != CURLM_OK) throw Error(ErrorCode::io, std::string("libcurl: ") + curl_multi_strerror(code));
}

// libcurl itself: once a process, and only when a connection is really needed, because it costs milliseconds.
CURLM* open_multi() {
  static std::once_flag once;
  static CURLcode initialised = CURLE_FAILED_INIT;
  std::call_once(once, [] { initialised = curl_global_init(CURL_GLOBAL_DEFAULT); });
  CURLM* multi = initialised == CURLE_OK ? curl_multi_init() : nullptr;
  if (multi == nullptr) throw Error(ErrorCode::io, "libcurl cannot be initialised");
  return multi;
}

}  // namespace

struct HttpClient::Impl {
  std::unique_ptr<CURLM, MultiDeleter> multi;
  HttpContext context;  // its handles go before the other
};

HttpClient::HttpClient(const FetchOptions& options, const Credentials& credentials)
    : impl_(new Impl{std::unique_ptr<CURLM, MultiDeleter>(open_multi()),
                     {&options, &credentials, find_authorities(options)}}) {
  const long connections = static_cast<long>(std::clamp(options.concurrency, 1U, 1000U));
  curl_multi_setopt(impl_->multi.get(), CURLMOPT_MAXCONNECTS, connections);
  curl_multi_setopt(impl_->multi.get(), CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_MULTIPLEX));
}

HttpClient::~HttpClient() = default;

namespace {

// One run() of a client. Whatever ends it, no transfer stays in the multi handle.
class Loop {
 public:
  Loop(CURLM* multi, HttpContext& context, std::span<HttpJob> jobs, const HttpCallbacks& callbacks)
      : multi_(multi), context_(&context), jobs_(jobs), callbacks_(&callbacks) {}
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  ~Loop() {
    for (Slot& slot : slots_) leave(slot);
  }

  void run() {
    for (;;) {
      throw_if_interrupted();
      for (unsigned i = 0; i < at_once && may_admit(); ++i) admit(jobs_[next_++]);
      if (slots_.empty() && next_ == jobs_.size()) return;
      begin_due();
      int running = 0;
      check(curl_multi_perform(multi_, &running));
      hash_arrived();
      drain();
      check_stalls();
      report();
      if (!may_admit() && (!slots_.empty() || next_ < jobs_.size())) pass_time();
    }
  }

 private:
  struct Slot {
    std::unique_ptr<Transfer> transfer;
    bool in_flight = false;
    std::uint64_t reported = 0;
  };

  bool has_place() const {
    return next_ < jobs_.size() && slots_.size() < std::max(context_->options->concurrency, 1U);
  }

  // See the head of this file.
  bool may_admit() const {
    if (!has_place()) return false;
    if (!any_done_) return slots_.size() < first_jobs || under_way_ <= first_bytes;
    const Appetite appetite = callbacks_->appetite ? callbacks_->appetite() : Appetite::hungry;
    return appetite == Appetite::hungry || (appetite == Appetite::fair && under_way_ <= most_bytes);
  }

  static std::uint64_t size_of(const HttpJob& job) {
    const auto* part = std::get_if<PartFile>(&job.body);
    return part != nullptr ? part->expected_size().value_or(0) : 0;
  }

  void admit(HttpJob& job) {
    slots_.push_back({std::make_unique<Transfer>(*context_, job)});
    under_way_ += size_of(job);
    enter(slots_.back());
  }

  void enter(Slot& slot) {
    slot.transfer->prepare();
    check(curl_multi_add_handle(multi_, slot.transfer->easy()));
    slot.in_flight = true;
  }

  void leave(Slot& slot) noexcept {
    if (!slot.in_flight) return;
    curl_multi_remove_handle(multi_, slot.transfer->easy());
    slot.in_flight = false;
  }

  void begin_due() {
    const auto now = Clock::now();
    for (Slot& slot : slots_) {
      if (!slot.in_flight && slot.transfer->due() <= now) enter(slot);
    }
  }

  void proceed(std::size_t place, Transfer::Next next) {
    Slot& slot = slots_[place];
    if (next == Transfer::Next::request_now) enter(slot);
    if (next != Transfer::Next::done) return;
    const Slot finished = std::exchange(slot, {});
    finished.transfer->hand_back_handle();
    under_way_ -= size_of(finished.transfer->job());
    any_done_ = true;
    slots_.erase(slots_.begin() + static_cast<std::ptrdiff_t>(place));
    if (callbacks_->progress) callbacks_->progress(finished.transfer->progress());
    const auto before = Clock::now();
    callbacks_->done(finished.transfer->job(), finished.transfer->answer());
    excuse(Clock::now() - before);
  }

  void hash_arrived() {
    arrived_.clear();
    for (Slot& slot : slots_) {
      if (auto* part = std::get_if<PartFile>(&slot.transfer->job().body)) arrived_.push_back(part);
    }
    PartFile::hash_together(arrived_);
  }

  void drain() {
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      const CURL* easy = message->easy_handle;
      const CURLcode code = message->data.result;  // the message does not outlive the handle's removal
      const auto slot = std::find_if(slots_.begin(), slots_.end(),
                                     [&](const Slot& s) { return s.transfer->easy() == easy; });
      if (slot == slots_.end()) continue;
      leave(*slot);
      const auto place = static_cast<std::size_t>(slot - slots_.begin());
      proceed(place, slot->transfer->conclude(code));
    }
  }

  void check_stalls() {
    const auto now = Clock::now();
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      if (!slots_[i].in_flight || !slots_[i].transfer->is_stalled(now)) continue;
      leave(slots_[i]);
      proceed(i, slots_[i].transfer->conclude_stalled());
    }
  }

  void report() {
    if (!callbacks_->progress) return;
    const auto now = Clock::now();
    if (now - last_report_ < progress_interval) return;
    last_report_ = now;
    for (Slot& slot : slots_) {
      const DownloadProgress progress = slot.transfer->progress();
      if (std::exchange(slot.reported, progress.received) != progress.received)
        callbacks_->progress(progress);
    }
  }

  // Until there is something to receive, or to begin.
  void pass_time() {
    int ready = 0;
    if (callbacks_->work) {
      check(curl_multi_poll(multi_, nullptr, 0, 0, &ready));
      const auto before = Clock::now();
      if (ready > 0 || callbacks_->work()) {
        excuse(Clock::now() - before);
        nap_ = shortest_nap;
        return;
      }
    }
    check(curl_multi_poll(multi_, nullptr, 0, poll_time(), &ready));
    nap_ = ready > 0 ? shortest_nap : std::min(2 * nap_, longest_nap);
  }

  void excuse(Clock::duration away) {
    for (Slot& slot : slots_) slot.transfer->excuse(away);
  }

  int poll_time() const {
    const auto now = Clock::now();
    auto wait = callbacks_->work ? nap_ : longest_poll;
    for (const Slot& slot : slots_) {
      if (slot.in_flight) continue;
      const auto until = std::chrono::ceil<std::chrono::milliseconds>(slot.transfer->due() - now);
      wait = std::clamp(until, std::chrono::milliseconds(0), wait);
    }
    return static_cast<int>(wait.count());
  }

  CURLM* multi_;
  HttpContext* context_;
  std::span<HttpJob> jobs_;
  const HttpCallbacks* callbacks_;
  std::size_t next_ = 0;
  bool any_done_ = false;
  std::uint64_t under_way_ = 0;  // bytes, of which some may be here
  std::vector<Slot> slots_;
  std::vector<PartFile*> arrived_;
  std::chrono::milliseconds nap_ = shortest_nap;
  Clock::time_point last_report_{};
};

}  // namespace

void HttpClient::run(std::span<HttpJob> jobs, const HttpCallbacks& callbacks) {
  Loop(impl_->multi.get(), impl_->context, jobs, callbacks).run();
}

}  // namespace axle
