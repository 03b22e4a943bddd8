#pragma once
// One job on its way: the requests, hops and attempts that it takes. The loop over several is in http.cc.

#include <curl/curl.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "store/http.h"
#include "store/http_retry.h"

namespace axle {

using Clock = std::chrono::steady_clock;

// Where the certificates of the authorities are; empty strings leave it to libcurl.
struct Authorities {
  std::string bundle;
  std::string dir;
};
Authorities find_authorities(const FetchOptions& options);

struct EasyDeleter {
  void operator()(CURL* easy) const noexcept { curl_easy_cleanup(easy); }
};
using Easy = std::unique_ptr<CURL, EasyDeleter>;

// What every transfer of a client shares.
struct HttpContext {
  const FetchOptions* options;
  const Credentials* credentials;
  Authorities authorities;
  // Of transfers that ended well: making one costs a tenth of a millisecond, because it prepares to look
  // names up.
  std::vector<Easy> spare = {};
};

class Transfer {
 public:
  // What comes after a request has ended.
  enum class Next { done, request_now, wait };

  // Throws as start() does.
  Transfer(HttpContext& context, HttpJob& job);
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  CURL* easy() const noexcept { return easy_.get(); }
  HttpJob& job() const noexcept { return *job_; }
  const HttpAnswer& answer() const noexcept { return answer_; }
  Clock::time_point due() const noexcept { return due_; }
  DownloadProgress progress() const;

  // Sets the handle up for the next request. Throws Error(io, unsupported) for a URL that is not to be
  // followed.
  void prepare();
  // After libcurl has finished the request (removed from the multi handle by then). Throws what ends the job.
  Next conclude(CURLcode code);
  // After Next::done: the handle may serve others.
  void hand_back_handle();
  // The transfer has moved too little for too long: as if the connection had broken.
  bool is_stalled(Clock::time_point now);
  Next conclude_stalled();
  // The loop was away for `pause` (in a callback): that is nobody's stall.
  void excuse(Clock::duration pause) { window_start_ += pause; }

 private:
  struct ListDeleter {
    void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
  };

  static std::size_t on_body(char* bytes, std::size_t size, std::size_t count, void* self) noexcept;
  bool accept_bytes(std::string_view bytes);
  bool begin_body();
  bool begin_resumed_body();
  void add_header(const std::string& header);
  std::optional<std::string> header(const char* name) const;
  long status() const;
  Next follow_redirect();
  Next finish_accepted();
  Next retry(const std::string& what, std::string hint, std::chrono::seconds retry_after);
  Next retry_whole(const std::string& what);  // from the first byte, and no more in parts
  std::uint64_t received() const;
  void restart_body();
  void forget_validator();
  [[noreturn]] void fail(const std::string& what, std::string hint = {}) const;

  HttpContext* context_;
  HttpJob* job_;
  Easy easy_;
  std::unique_ptr<curl_slist, ListDeleter> headers_;
  std::array<char, CURL_ERROR_SIZE> error_text_{};

  std::string hop_url_;           // what is asked now
  unsigned hops_ = 0;             // redirects followed in this attempt
  unsigned attempt_ = 0;          // failures since there was progress
  std::uint64_t high_water_ = 0;  // the most bytes there were at a failure
  bool body_begun_ = false;       // of this request
  std::uint64_t discarded_ = 0;   // bytes of error pages
  std::uint64_t resume_from_ = 0;
  bool was_resumed_ = false;  // the bytes come from several answers
  bool may_resume_ = true;
  bool wrong_range_ = false;  // of this answer
  std::string validator_;     // of the bytes there are: a strong ETag or Last-Modified
  std::optional<std::uint64_t> total_;
  std::exception_ptr thrown_;  // by the body, inside libcurl's callback
  HttpAnswer answer_;
  Clock::time_point due_{};
  Clock::time_point window_start_{};
  std::uint64_t window_bytes_ = 0;
  std::uint64_t moved_ = 0;  // bytes of this job in all, whatever became of them
};

}  // namespace axle
