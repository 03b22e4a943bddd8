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
constexpr auto progress_interval = std::chrono::milliseconds(50);

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
  HttpContext context;
  std::unique_ptr<CURLM, MultiDeleter> multi{open_multi()};
};

HttpClient::HttpClient(const FetchOptions& options, const Credentials& credentials)
    : impl_(new Impl{HttpContext{&options, &credentials, find_authorities(options)}}) {
  const long connections = static_cast<long>(std::clamp(options.concurrency, 1U, 1000U));
  curl_multi_setopt(impl_->multi.get(), CURLMOPT_MAXCONNECTS, connections);
  curl_multi_setopt(impl_->multi.get(), CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_MULTIPLEX));
}

HttpClient::~HttpClient() = default;

namespace {

// One run() of a client. Whatever ends it, no transfer stays in the multi handle.
class Loop {
 public:
  Loop(CURLM* multi, const HttpContext& context, std::span<HttpJob> jobs, const HttpClient::Done& done,
       const HttpClient::Progress& progress)
      : multi_(multi), context_(&context), jobs_(jobs), done_(&done), progress_(&progress) {}
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  ~Loop() {
    for (Slot& slot : slots_) leave(slot);
  }

  void run() {
    const std::size_t places = std::max(context_->options->concurrency, 1U);
    for (;;) {
      throw_if_interrupted();
      while (next_ < jobs_.size() && slots_.size() < places) admit(jobs_[next_++]);
      if (slots_.empty()) return;
      begin_due();
      int running = 0;
      check(curl_multi_perform(multi_, &running));
      drain();
      check_stalls();
      report();
      if (slots_.size() < places && next_ < jobs_.size()) continue;
      if (!slots_.empty()) check(curl_multi_poll(multi_, nullptr, 0, poll_time(), nullptr));
    }
  }

 private:
  struct Slot {
    std::unique_ptr<Transfer> transfer;
    bool in_flight = false;
    std::uint64_t reported = 0;
  };

  void admit(HttpJob& job) {
    slots_.push_back({std::make_unique<Transfer>(*context_, job)});
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
    slots_.erase(slots_.begin() + static_cast<std::ptrdiff_t>(place));
    if (*progress_) (*progress_)(finished.transfer->progress());
    const auto before = Clock::now();
    (*done_)(finished.transfer->job(), finished.transfer->answer());
    const auto away = Clock::now() - before;
    for (Slot& other : slots_) other.transfer->excuse(away);
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
    if (!*progress_) return;
    const auto now = Clock::now();
    if (now - last_report_ < progress_interval) return;
    last_report_ = now;
    for (Slot& slot : slots_) {
      const DownloadProgress progress = slot.transfer->progress();
      if (std::exchange(slot.reported, progress.received) != progress.received) (*progress_)(progress);
    }
  }

  int poll_time() const {
    const auto now = Clock::now();
    auto wait = std::chrono::duration_cast<std::chrono::milliseconds>(longest_poll);
    for (const Slot& slot : slots_) {
      if (slot.in_flight) continue;
      const auto until = std::chrono::ceil<std::chrono::milliseconds>(slot.transfer->due() - now);
      wait = std::clamp(until, std::chrono::milliseconds(0), wait);
    }
    return static_cast<int>(wait.count());
  }

  CURLM* multi_;
  const HttpContext* context_;
  std::span<HttpJob> jobs_;
  const HttpClient::Done* done_;
  const HttpClient::Progress* progress_;
  std::size_t next_ = 0;
  std::vector<Slot> slots_;
  Clock::time_point last_report_{};
};

}  // namespace

void HttpClient::run(std::span<HttpJob> jobs, const Done& done, const Progress& progress) {
  Loop(impl_->multi.get(), impl_->context, jobs, done, progress).run();
}

}  // namespace axle
