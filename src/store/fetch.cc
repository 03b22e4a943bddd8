#include "axle/store/fetch.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <utility>

#include "axle/base/error.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/text.h"
#include "store/credentials.h"
#include "store/fetch_body.h"
#include "store/http.h"
#include "store/http_url.h"

namespace axle {
namespace {

constexpr std::size_t copy_chunk = std::size_t{1} << 20;

// The schemes that axle fetches from; throws for everything else.
Url checked_url(const std::string& text, const std::string& package) {
  if (auto url = parse_url(text)) return *std::move(url);
  const std::string scheme = find_scheme(text);
  if (scheme == "http" || scheme == "https" || scheme == "file") {
    throw_fetch_error(ErrorCode::bad_input, text, package, "the URL is malformed");
  }
  throw_fetch_error(
      ErrorCode::unsupported, text, package,
      scheme.empty() ? "the URL has no scheme" : "URLs of the scheme " + scheme + " are not fetched",
      "use https, http or file");
}

std::string checked_path(const std::string& url, const std::string& package) {
  if (auto path = find_file_url_path(url)) return *std::move(path);
  throw_fetch_error(ErrorCode::bad_input, url, package,
                    "the file URL names another host or a malformed path");
}

DownloadResult copy_local(const DownloadRequest& request, std::uint64_t max_bytes,
                          const std::function<void(std::uint64_t)>& progress) {
  const std::string path = checked_path(request.url, request.package);
  PartFile part(request, max_bytes);
  const auto from = try_open_file(AT_FDCWD, path);
  if (!from) throw_fetch_error(ErrorCode::io, request.url, request.package, "there is no such file");
  struct stat status {};
  if (::fstat(from->get(), &status) != 0) throw_errno("reading", path);
  if (!S_ISREG(status.st_mode))
    throw_fetch_error(ErrorCode::io, request.url, request.package, "this is no file");
  part.check_announced(static_cast<std::uint64_t>(status.st_size));
  part.restart();
  std::string chunk(copy_chunk, '\0');
  for (;;) {
    throw_if_interrupted();
    const ssize_t got = ::read(from->get(), chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw_errno("reading", path);
    if (got == 0) break;
    part.write(std::string_view(chunk.data(), static_cast<std::size_t>(got)));
    if (progress) progress(part.received());
  }
  if (const auto fault = part.verify()) {
    throw_fetch_error(ErrorCode::integrity, request.url, request.package, *fault,
                      "the file is not the one that was locked");
  }
  return part.publish();
}

std::optional<Page> read_local_page(const PageRequest& request, std::uint64_t max_bytes) {
  const std::string path = checked_path(request.url, request.package);
  const auto status = try_stat(AT_FDCWD, path);
  if (!status) return std::nullopt;
  if (!S_ISREG(status->st_mode))
    throw_fetch_error(ErrorCode::io, request.url, request.package, "this is no file");
  if (static_cast<std::uint64_t>(status->st_size) > max_bytes) {
    throw_fetch_error(ErrorCode::io, request.url, request.package,
                      "the page is larger than the bound of " + std::to_string(max_bytes) + " bytes");
  }
  const std::string type = path.ends_with(".json") ? "application/json" : "text/html";
  return Page{make_file_url(path), type, read_file(AT_FDCWD, path, max_bytes)};
}

std::string media_type(std::string_view content_type) {
  return ascii_lower(trim(content_type.substr(0, content_type.find(';'))));
}

}  // namespace

struct Fetcher::Impl {
  FetchOptions options;
  Credentials credentials;
  std::optional<HttpClient> client;

  void refuse_offline(const std::string& url, const std::string& package) const {
    if (options.network == Network::online) return;
    throw_fetch_error(ErrorCode::io, url, package, "is not in the store, and --offline forbids to fetch it",
                      "run once without --offline, or fill the store with `axle fetch`");
  }

  HttpClient& connect() {
    if (!client) client.emplace(options, credentials);
    return *client;
  }
};

Fetcher::Fetcher(FetchOptions options) : impl_(std::make_unique<Impl>()) {
  impl_->options = std::move(options);
  for (const std::string& text : impl_->options.credential_urls) {
    if (const auto url = parse_url(text)) impl_->credentials.learn(*url);
  }
}

Fetcher::~Fetcher() = default;
Fetcher::Fetcher(Fetcher&&) noexcept = default;
Fetcher& Fetcher::operator=(Fetcher&&) noexcept = default;

void Fetcher::disconnect() { impl_->client.reset(); }

void Fetcher::fetch_all(std::span<const DownloadRequest> requests, const Taker& taker) {
  std::vector<HttpJob> jobs;
  std::vector<std::size_t> local;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const DownloadRequest& request = requests[i];
    if (checked_url(request.url, request.package).scheme == "file") {
      local.push_back(i);
      continue;
    }
    impl_->refuse_offline(request.url, request.package);
    jobs.push_back({request.url, request.package, {}, PartFile(request, impl_->options.max_download), i});
  }
  for (const std::size_t i : local) {
    const auto report = [&](std::uint64_t received) {
      if (taker.progress) taker.progress({i, received, requests[i].size});
    };
    const DownloadResult result = copy_local(requests[i], impl_->options.max_download, report);
    if (taker.done) taker.done(i, result);
  }
  if (jobs.empty()) return;
  const auto publish = [&](HttpJob& job, const HttpAnswer&) {
    const DownloadResult result = std::get<PartFile>(job.body).publish();
    if (taker.done) taker.done(job.index, result);
  };
  impl_->connect().run(jobs, {publish, taker.progress, taker.appetite, taker.work});
}

std::vector<std::optional<Page>> Fetcher::fetch_pages(std::span<const PageRequest> requests) {
  std::vector<std::optional<Page>> pages(requests.size());
  std::vector<HttpJob> jobs;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const PageRequest& request = requests[i];
    const Url url = checked_url(request.url, request.package);
    if (url.scheme == "file") {
      pages[i] = read_local_page(request, impl_->options.max_page);
      continue;
    }
    impl_->refuse_offline(request.url, request.package);
    impl_->credentials.learn(url);
    jobs.push_back(
        {request.url, request.package, request.accept, PageBody(request, impl_->options.max_page), i});
  }
  if (jobs.empty()) return pages;
  const auto keep = [&](HttpJob& job, const HttpAnswer& answer) {
    if (answer.absent) return;
    pages[job.index] = Page{answer.url, media_type(answer.content_type), std::get<PageBody>(job.body).take()};
  };
  impl_->connect().run(jobs, {keep});
  return pages;
}

}  // namespace axle
