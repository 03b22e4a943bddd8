#pragma once
// Many GETs over one libcurl multi handle, driven by the calling thread. Redirects and retries are decided
// here and not by libcurl, so that every hop is checked and resumed downloads keep their state.

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <variant>

#include "axle/store/fetch.h"
#include "store/credentials.h"
#include "store/fetch_body.h"

namespace axle {

struct HttpJob {
  std::string url;
  std::string package;
  std::string accept;
  std::variant<PartFile, PageBody> body;
  std::size_t index;  // the caller's
};

// How a job ended well.
struct HttpAnswer {
  bool absent = false;       // 404 or 410, only for pages
  std::string url;           // of the last hop, without credentials
  std::string content_type;  // as sent
};

// As those of Fetcher::Taker; all but the first may be empty.
struct HttpCallbacks {
  std::function<void(HttpJob& job, const HttpAnswer& answer)> done;  // the body is verified by then
  std::function<void(const DownloadProgress&)> progress = {};
  std::function<Appetite()> appetite = {};
  std::function<bool()> work = {};
};

class HttpClient {
 public:
  // Both are kept by reference. Initialises libcurl.
  HttpClient(const FetchOptions& options, const Credentials& credentials);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // Runs all jobs, in order, several at a time.
  void run(std::span<HttpJob> jobs, const HttpCallbacks& callbacks);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace axle
