#pragma once
// Downloads: archives to files, index pages to memory. Nothing that a server says is trusted: sizes and
// hashes are checked while bytes arrive, redirects are bounded, and a download counts only once it is
// complete and verified.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "axle/base/digest.h"

namespace axle {

enum class Network { online, offline };

// How to talk to servers. The library reads no environment variable by itself: what the user set comes in
// here (libcurl finds the proxy variables on its own, as curl does).
struct FetchOptions {
  Network network = Network::online;
  unsigned concurrency = 50;  // transfers at one time, at least 1
  unsigned retries = 4;       // more attempts after the first, without progress between them
  std::chrono::milliseconds connect_timeout{15'000};
  std::chrono::milliseconds stall_timeout{
      30'000};                   // fewer than `min_speed` over this time is a broken connection
  std::uint64_t min_speed = 64;  // bytes a second
  std::chrono::milliseconds first_backoff{250};       // doubles with each attempt ...
  std::chrono::milliseconds max_backoff{8'000};       // ... up to this
  std::chrono::milliseconds max_retry_after{60'000};  // a server that asks to wait longer is not waited for
  std::uint64_t max_download = std::uint64_t{16} << 30;  // bytes, where the size is not known before
  std::uint64_t max_page = std::uint64_t{128} << 20;     // bytes of an index page
  std::string user_agent = "axle";
  std::string ca_bundle;   // CURL_CA_BUNDLE or SSL_CERT_FILE; "": the system's, where it is found
  std::string ca_dir;      // SSL_CERT_DIR
  std::string netrc_file;  // "": ~/.netrc
  // URLs with user and password (of indexes): these serve every URL of the same scheme, host and port.
  std::vector<std::string> credential_urls;
};

// One archive to get.
struct DownloadRequest {
  std::string url;      // http, https or file; may hold user and password
  std::string package;  // for messages: "numpy" or "numpy 2.1.0"
  // An absolute path: until the download is complete its bytes are in "<destination>.part". "": into memory,
  // which needs `size`.
  std::string destination;
  std::vector<Hash> hashes;  // when not empty, one of the strong ones must match; only weak ones: refused
  std::optional<std::uint64_t> size;  // bytes
  std::vector<Hash> checksums = {};   // without hashes: one of these must match, weak as they may be
};

struct DownloadResult {
  Sha256 sha256;
  std::uint64_t size = 0;                         // bytes
  std::shared_ptr<const std::string> bytes = {};  // of a download into memory
};

// How far request `index` is. `received` can go back when a download begins anew.
struct DownloadProgress {
  std::size_t index = 0;
  std::uint64_t received = 0;          // bytes
  std::optional<std::uint64_t> total;  // bytes, where known
};

// How much whoever takes the downloads has to do: next to nothing, for a while, or more than that.
enum class Appetite { hungry, fair, full };

// A page in memory.
struct Page {
  std::string url;           // where it was at last, after redirects; never with user and password
  std::string content_type;  // as sent, lower case, without parameters; "" when none was
  std::string body;
};

struct PageRequest {
  std::string
      url;  // http, https or file; user and password in it also serve later requests to the same origin
  std::string package;  // for messages; may be empty
  std::string accept;   // the Accept header; "" for none
};

// Connections and what was learned about servers, kept while the object lives. One object is for one thread;
// the callbacks run on the thread that calls. Makes no connection, and initialises no library, before it is
// needed.
//
// Errors (all name the URL, without user, password and query, and the package): io for what the network and
// servers do wrong, after the retries; integrity for a hash or a size that differs; unsupported for another
// scheme; interrupted. After an error no "*.part" file is left and what was complete stays.
class Fetcher {
 public:
  explicit Fetcher(FetchOptions options = {});
  ~Fetcher();
  Fetcher(Fetcher&&) noexcept;
  Fetcher& operator=(Fetcher&&) noexcept;

  using Done = std::function<void(std::size_t index, const DownloadResult& result)>;
  using Progress = std::function<void(const DownloadProgress&)>;

  // Whoever takes the downloads. Any may be empty.
  struct Taker {
    // Each is complete and in place, in no certain order. May take its time, and may throw, which ends the
    // rest.
    Done done;
    Progress progress = {};
    // Whether it makes sense to begin further ones.
    std::function<Appetite()> appetite = {};
    // Called while there is nothing to receive: does something else for a few milliseconds at most; false
    // when there is nothing. Must not throw.
    std::function<bool()> work = {};
  };

  // Gets all, several at a time.
  void fetch_all(std::span<const DownloadRequest> requests, const Taker& taker);

  // Closes all connections: there is no more to fetch soon. (There may be, after all.)
  void disconnect();

  // All pages, in the order of the requests; nullopt where the server says 404 or 410, or the file is absent.
  std::vector<std::optional<Page>> fetch_pages(std::span<const PageRequest> requests);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// A URL for messages: user and password become ****, so does the query; the fragment is cut. Never throws for
// bad URLs; what does not parse loses everything up to its last '@'.
std::string redact_url(std::string_view url);

// "file:///a%20b" for "/a b" (absolute).
std::string make_file_url(std::string_view path);
// The path of a file URL without host (or with localhost); nullopt for anything else.
std::optional<std::string> find_file_url_path(std::string_view url);

}  // namespace axle
