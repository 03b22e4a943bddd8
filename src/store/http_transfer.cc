#include "store/http_transfer.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <new>
#include <utility>

#include "axle/base/error.h"
#include "base/text.h"

namespace axle {
namespace {

constexpr unsigned max_redirects = 10;
constexpr std::uint64_t max_error_page = 1U << 20;
// Progress of this many bytes since the last failure makes the next failure a first one: a large file over a
// bad line arrives, and the number of attempts stays bounded because the file's size is.
constexpr std::uint64_t worthwhile = 1U << 20;

template <class Value>
void set(CURL* easy, CURLoption option, Value value) {
  const CURLcode code = curl_easy_setopt(easy, option, value);
  if (code == CURLE_OUT_OF_MEMORY) throw std::bad_alloc();
  if (code != CURLE_OK) {
    throw Error(ErrorCode::unsupported, "this libcurl lacks option " +
                                            std::to_string(static_cast<int>(option)) + ": " +
                                            curl_easy_strerror(code));
  }
}

bool is_transient(CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_PARTIAL_FILE:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_WEIRD_SERVER_REPLY:
      return true;
    default:
      return false;
  }
}

std::string hint_for(CURLcode code) {
  switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
      return "name the file of the certificate authorities that this network uses in SSL_CERT_FILE, or in "
             "CURL_CA_BUNDLE if that is set: it goes first";
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
      return "check the host name, the network and the proxy variables (HTTPS_PROXY, NO_PROXY)";
    default:
      return {};
  }
}

std::string hint_for_status(long status) {
  switch (status) {
    case 401:
    case 403:
      return "give user and password in the index URL or in ~/.netrc";
    case 404:
    case 410:
      return "the lock may be out of date, or the file has moved: lock again";
    case 407:
      return "give user and password in the proxy variable";
    default:
      return {};
  }
}

// spec: RFC 9110 §14.4: "bytes FIRST-LAST/COMPLETE", COMPLETE may be "*".
struct ContentRange {
  std::uint64_t first;
  std::optional<std::uint64_t> complete;
};

std::optional<std::uint64_t> parse_count(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<ContentRange> parse_content_range(std::string_view text) {
  text = trim(text);
  if (text.size() < 6 || !ascii_iequal(text.substr(0, 6), "bytes ")) return std::nullopt;
  text = trim(text.substr(6));
  const std::size_t dash = text.find('-');
  const std::size_t slash = text.find('/');
  if (dash == std::string_view::npos || slash == std::string_view::npos || slash < dash) return std::nullopt;
  const auto first = parse_count(text.substr(0, dash));
  const auto last = parse_count(text.substr(dash + 1, slash - dash - 1));
  if (!first || !last || *last < *first) return std::nullopt;
  const auto complete = parse_count(text.substr(slash + 1));
  if (complete && *complete <= *last) return std::nullopt;
  return ContentRange{*first, complete};
}

}  // namespace

Authorities find_authorities(const FetchOptions& options) {
  if (!options.ca_bundle.empty() || !options.ca_dir.empty()) return {options.ca_bundle, options.ca_dir};
  // A static libcurl knows only the paths of the machine that built it.
  for (const char* path : {"/etc/ssl/certs/ca-certificates.crt",                 // Debian, Alpine
                           "/etc/pki/tls/certs/ca-bundle.crt",                   // RHEL, Fedora
                           "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  // RHEL
                           "/etc/ssl/ca-bundle.pem",                             // SUSE
                           "/etc/ssl/cert.pem"}) {  // Alpine without ca-certificates
    if (::access(path, R_OK) == 0) return {path, {}};
  }
  return {};
}

Transfer::Transfer(HttpContext& context, HttpJob& job) : context_(&context), job_(&job), hop_url_(job.url) {
  restart_body();
}

void Transfer::fail(const std::string& what, std::string hint) const {
  throw_fetch_error(ErrorCode::io, job_->url, job_->package, what, std::move(hint));
}

std::uint64_t Transfer::received() const {
  return std::visit([](const auto& body) { return body.received(); }, job_->body);
}

DownloadProgress Transfer::progress() const {
  const auto* part = std::get_if<PartFile>(&job_->body);
  return {job_->index, received(), part != nullptr && part->expected_size() ? part->expected_size() : total_};
}

void Transfer::restart_body() {
  std::visit([](auto& body) { body.restart(); }, job_->body);
  forget_validator();
  was_resumed_ = false;
}

void Transfer::forget_validator() {
  validator_.clear();
  total_.reset();
}

void Transfer::add_header(const std::string& text) {
  curl_slist* longer = curl_slist_append(headers_.get(), text.c_str());
  if (longer == nullptr) throw std::bad_alloc();
  if (headers_ == nullptr) headers_.reset(longer);
}

std::optional<std::string> Transfer::header(const char* name) const {
  curl_header* found = nullptr;
  if (curl_easy_header(easy(), name, 0, CURLH_HEADER, -1, &found) != CURLHE_OK) return std::nullopt;
  return std::string(found->value);
}

long Transfer::status() const {
  long status = 0;
  curl_easy_getinfo(easy(), CURLINFO_RESPONSE_CODE, &status);
  return status;
}

void Transfer::prepare() {
  const FetchOptions& options = *context_->options;
  const auto url = parse_url(hop_url_);
  if (!url || url->scheme == "file") fail("the URL is malformed");
  // A handle that has known no failure: a reset one refuses options after some. Connections belong to the
  // multi handle anyway.
  if (context_->spare.empty()) {
    easy_.reset(curl_easy_init());
  } else {
    easy_ = std::move(context_->spare.back());
    context_->spare.pop_back();
  }
  if (easy_ == nullptr) throw std::bad_alloc();
  headers_.reset();
  error_text_[0] = '\0';
  body_begun_ = false;
  wrong_range_ = false;
  discarded_ = 0;
  thrown_ = nullptr;

  set(easy(), CURLOPT_URL, url->text.c_str());
  set(easy(), CURLOPT_PRIVATE, this);
  set(easy(), CURLOPT_ERRORBUFFER, error_text_.data());
  set(easy(), CURLOPT_NOSIGNAL, 1L);
  set(easy(), CURLOPT_PROTOCOLS_STR, "http,https");
  set(easy(), CURLOPT_FOLLOWLOCATION, 0L);
  set(easy(), CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
  // Over TLS, wait for the first connection to tell whether it carries many streams, before opening many.
  set(easy(), CURLOPT_PIPEWAIT, url->scheme == "https" ? 1L : 0L);
  set(easy(), CURLOPT_BUFFERSIZE, 128L * 1024);
  set(easy(), CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.connect_timeout.count()));
  set(easy(), CURLOPT_USERAGENT, options.user_agent.c_str());
  set(easy(), CURLOPT_WRITEFUNCTION, &Transfer::on_body);
  set(easy(), CURLOPT_WRITEDATA, this);
  if (!context_->authorities.bundle.empty()) {
    set(easy(), CURLOPT_CAINFO, context_->authorities.bundle.c_str());
  } else if (!context_->authorities.dir.empty()) {
    set(easy(), CURLOPT_CAINFO, static_cast<const char*>(nullptr));
  }
  if (!context_->authorities.dir.empty()) set(easy(), CURLOPT_CAPATH, context_->authorities.dir.c_str());

  set(easy(), CURLOPT_NETRC, static_cast<long>(CURL_NETRC_OPTIONAL));
  if (!options.netrc_file.empty()) set(easy(), CURLOPT_NETRC_FILE, options.netrc_file.c_str());
  // A hop to another origin finds only that origin's login: what the job's own URL holds stays with its host.
  auto login = context_->credentials->find(*url);
  if (!login && hops_ > 0) {
    const auto original = parse_url(job_->url);
    if (original && original->origin() == url->origin()) login = context_->credentials->find(*original);
  }
  if (login) {
    set(easy(), CURLOPT_USERNAME, login->user.c_str());
    set(easy(), CURLOPT_PASSWORD, login->password.c_str());
  }

  if (!job_->accept.empty()) add_header("Accept: " + job_->accept);
  const auto* part = std::get_if<PartFile>(&job_->body);
  if (part == nullptr) {
    // libcurl hands on what it decodes piece by piece, so that the page's bound holds for that, too.
    set(easy(), CURLOPT_ACCEPT_ENCODING, "gzip");
  } else {
    add_header("Accept-Encoding: identity");
  }
  resume_from_ = part != nullptr && may_resume_ ? received() : 0;
  if (resume_from_ > 0 && validator_.empty() && !part->has_hash()) resume_from_ = 0;
  if (resume_from_ > 0) {
    set(easy(), CURLOPT_RANGE, (std::to_string(resume_from_) + "-").c_str());
    if (!validator_.empty()) add_header("If-Range: " + validator_);
  }
  set(easy(), CURLOPT_HTTPHEADER, headers_.get());
  answer_.url = url->text;
  window_start_ = Clock::now();
  window_bytes_ = moved_;
}

void Transfer::hand_back_handle() {
  curl_easy_reset(easy());
  context_->spare.push_back(std::move(easy_));
}

std::size_t Transfer::on_body(char* bytes, std::size_t size, std::size_t count, void* self) noexcept {
  auto& transfer = *static_cast<Transfer*>(self);
  try {
    return transfer.accept_bytes({bytes, size * count}) ? size * count : 0;
  } catch (...) {
    transfer.thrown_ = std::current_exception();
    return 0;
  }
}

bool Transfer::accept_bytes(std::string_view bytes) {
  moved_ += bytes.size();
  if (judge_status(status()) != Verdict::accept) {
    discarded_ += bytes.size();
    return discarded_ <= max_error_page;  // read to its end, a small error page leaves the connection usable
  }
  if (!body_begun_ && !begin_body()) return false;
  std::visit([&](auto& body) { body.write(bytes); }, job_->body);
  return true;
}

bool Transfer::begin_body() {
  body_begun_ = true;
  if (status() == 206) return begin_resumed_body();
  if (received() > 0) restart_body();
  curl_off_t length = -1;
  curl_easy_getinfo(easy(), CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
  if (length >= 0) {
    total_ = static_cast<std::uint64_t>(length);
    std::visit([&](const auto& body) { body.check_announced(*total_); }, job_->body);
  }
  const auto etag = header("ETag");
  if (etag && etag->starts_with('"')) {
    validator_ = *etag;
  } else if (const auto modified = header("Last-Modified")) {
    validator_ = *modified;
  }
  return true;
}

bool Transfer::begin_resumed_body() {
  const auto text = header("Content-Range");
  const auto range = text ? parse_content_range(*text) : std::nullopt;
  if (resume_from_ == 0 || !range || range->first != resume_from_) {
    wrong_range_ = true;
    return false;
  }
  was_resumed_ = true;
  if (range->complete) {
    total_ = range->complete;
    std::visit([&](const auto& body) { body.check_announced(*total_); }, job_->body);
  }
  return true;
}

Transfer::Next Transfer::retry(const std::string& what, std::string hint, std::chrono::seconds retry_after) {
  if (received() >= high_water_ + worthwhile) {
    high_water_ = received();
    attempt_ = 0;
  }
  ++attempt_;
  if (attempt_ > context_->options->retries) {
    fail(what + (attempt_ > 1 ? " (" + std::to_string(attempt_) + " attempts)" : ""), std::move(hint));
  }
  const auto delay = find_delay(attempt_, retry_after, *context_->options);
  if (!delay) {
    fail(what + "; it asks to wait " + std::to_string(retry_after.count()) + " seconds", "try again later");
  }
  due_ = Clock::now() + *delay;
  hop_url_ = job_->url;
  hops_ = 0;
  return Next::wait;
}

bool Transfer::is_stalled(Clock::time_point now) {
  const FetchOptions& options = *context_->options;
  if (now - window_start_ < options.stall_timeout) return false;
  const auto window = std::chrono::duration_cast<std::chrono::milliseconds>(now - window_start_);
  const std::uint64_t wanted = options.min_speed * static_cast<std::uint64_t>(window.count()) / 1000;
  if (moved_ - window_bytes_ < std::max<std::uint64_t>(wanted, 1)) return true;
  window_start_ = now;
  window_bytes_ = moved_;
  return false;
}

Transfer::Next Transfer::conclude_stalled() {
  const auto seconds = std::chrono::duration<double>(context_->options->stall_timeout).count();
  std::string text = std::to_string(seconds);
  text.erase(text.find('.') + 2);
  return retry("the server sent nothing, or next to nothing, for " + text + " seconds",
               "check the network, or try again later", {});
}

Transfer::Next Transfer::follow_redirect() {
  char* target = nullptr;
  curl_easy_getinfo(easy(), CURLINFO_REDIRECT_URL, &target);
  if (target == nullptr) fail("the server answered " + std::to_string(status()) + " without saying where to");
  const std::string from = find_scheme(hop_url_);
  const std::string to = find_scheme(target);
  if (to != "http" && to != "https")
    fail("the server redirects to " + redact_url(target) + ", which is not followed");
  if (from == "https" && to == "http") {
    fail("the server redirects from https to " + redact_url(target) + ", which is not followed");
  }
  if (!parse_url(target)) fail("the server redirects to a malformed URL");
  if (++hops_ > max_redirects) fail("more than " + std::to_string(max_redirects) + " redirects");
  hop_url_ = target;
  return Next::request_now;
}

Transfer::Next Transfer::finish_accepted() {
  if (!body_begun_ && !begin_body()) {  // an empty body
    return retry_whole("the server sent another range than the one that was asked for");
  }
  char* type = nullptr;
  curl_easy_getinfo(easy(), CURLINFO_CONTENT_TYPE, &type);
  answer_.content_type = type == nullptr ? "" : type;
  auto* part = std::get_if<PartFile>(&job_->body);
  if (part == nullptr) return Next::done;
  // Without a Content-Length, a connection that breaks looks like the end of the file.
  if (!total_ && part->expected_size() && received() < *part->expected_size()) {
    return retry("the download ended after " + std::to_string(received()) + " of " +
                     std::to_string(*part->expected_size()) + " bytes",
                 {}, {});
  }
  const auto fault = part->verify();
  if (!fault) return Next::done;
  if (was_resumed_) {
    // The file may have changed between the parts: once more, in one piece.
    return retry_whole(*fault);
  }
  throw_fetch_error(
      ErrorCode::integrity, job_->url, job_->package, *fault,
      "the file is not the one that was locked: lock again if this change is known, else report it");
}

Transfer::Next Transfer::retry_whole(const std::string& what) {
  may_resume_ = false;
  restart_body();
  return retry(what, {}, {});
}

Transfer::Next Transfer::conclude(CURLcode code) {
  if (thrown_) std::rethrow_exception(thrown_);
  if (wrong_range_) return retry_whole("the server sent another range than the one that was asked for");
  const Verdict verdict = judge_status(status());
  const bool has_answer = status() != 0 && (code == CURLE_OK || discarded_ > max_error_page);
  if (!has_answer) {
    const std::string text = error_text_[0] != '\0' ? error_text_.data() : curl_easy_strerror(code);
    if (!is_transient(code)) fail(text, hint_for(code));
    return retry(text, hint_for(code), {});
  }
  switch (verdict) {
    case Verdict::accept:
      return finish_accepted();
    case Verdict::redirect:
      return follow_redirect();
    case Verdict::absent:
      if (std::holds_alternative<PageBody>(job_->body)) {
        answer_.absent = true;
        return Next::done;
      }
      break;
    case Verdict::retry: {
      curl_off_t wait = 0;
      curl_easy_getinfo(easy(), CURLINFO_RETRY_AFTER, &wait);
      return retry("the server answered " + std::to_string(status()), "try again later",
                   std::chrono::seconds(wait));
    }
    case Verdict::refuse:
      if (status() == 416 && resume_from_ > 0) {
        return retry_whole("the server answered 416");
      }
      break;
  }
  fail("the server answered " + std::to_string(status()), hint_for_status(status()));
}

}  // namespace axle
