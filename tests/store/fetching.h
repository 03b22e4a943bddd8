#pragma once
// What the tests of fetching share: impatient options, the server's bytes, one download.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "axle/base/error.h"
#include "axle/store/fetch.h"
#include "fault_server.h"
#include "store/http_url.h"

namespace axle::test {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

// What the server gives for the name "SIZE-anything".
inline std::string pattern(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>((i * 31 + i / 251) % 256);
  return bytes;
}

inline Hash hash_of(const std::string& bytes) { return {HashAlgorithm::sha256, Sha256::of(bytes).hex()}; }

inline std::string read_all(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

inline FetchOptions impatient() {
  FetchOptions options;
  options.retries = 3;
  options.first_backoff = milliseconds(5);
  options.max_backoff = milliseconds(20);
  options.stall_timeout = milliseconds(1500);
  options.connect_timeout = milliseconds(2000);
  options.max_retry_after = milliseconds(1000);
  options.netrc_file = "/nonexistent";
  return options;
}

class Fetching : public testing::Test {
 protected:
  Fetching() {
    std::string name = "/tmp/axle-fetch-XXXXXX";
    directory = ::mkdtemp(name.data());
  }
  ~Fetching() override { fs::remove_all(directory); }

  DownloadRequest request(const std::string& url, std::size_t size) const {
    return {url, "numpy 2.1.0", (directory / "archive").string(), {hash_of(pattern(size))}, size};
  }

  DownloadResult get(const DownloadRequest& request, const FetchOptions& options = impatient()) const {
    Fetcher fetcher(options);
    std::optional<DownloadResult> result;
    fetcher.fetch_all({&request, 1}, {[&](std::size_t, const DownloadResult& r) { result = r; }});
    return result.value();
  }

  // The error that a download ends with; nothing may be left.
  Error failure(const DownloadRequest& request, const FetchOptions& options = impatient()) const {
    try {
      get(request, options);
    } catch (const Error& error) {
      EXPECT_TRUE(fs::is_empty(directory)) << error.what();
      EXPECT_NE(error.message().find(request.package), std::string::npos) << error.what();
      EXPECT_EQ(error.place().file, redact_url(request.url));
      return error;
    }
    ADD_FAILURE() << "no error: " << request.url;
    return Error(ErrorCode::usage, "none");
  }

  void expect_arrives(const DownloadRequest& wanted, std::size_t size) const {
    try {
      const DownloadResult result = get(wanted);
      EXPECT_EQ(result.size, size);
      EXPECT_EQ(result.sha256, Sha256::of(pattern(size)));
      EXPECT_EQ(read_all(wanted.destination), pattern(size)) << wanted.url;
      EXPECT_FALSE(fs::exists(wanted.destination + ".part"));
    } catch (const Error& error) {
      ADD_FAILURE() << error.what();
    }
    fs::remove(wanted.destination);
  }

  fs::path directory;
};

inline std::string log_of(const FaultServer& server) {
  Fetcher fetcher(impatient());
  const std::vector<PageRequest> request{{server.http() + "/log", "", ""}};
  return fetcher.fetch_pages(request).at(0).value().body;
}

inline std::size_t count_of(const std::string& text, const std::string& piece) {
  std::size_t count = 0;
  for (std::size_t at = text.find(piece); at != std::string::npos; at = text.find(piece, at + 1)) ++count;
  return count;
}

}  // namespace axle::test
