#pragma once
// Where the bytes of an answer go: an archive to its part file, a page to memory. Both are checked as they
// grow.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "axle/base/digest.h"
#include "axle/base/error.h"
#include "axle/store/fetch.h"
#include "base/fd.h"
#include "base/sha256_lanes.h"

namespace axle {

// An error about a URL: its place is the redacted URL, its message names the package.
[[noreturn]] void throw_fetch_error(ErrorCode code, std::string_view url, std::string_view package,
                                    const std::string& what, std::string hint = {});

// The file "<destination>.part" while it grows; removed with the object unless finish() gave it its name. Or,
// for a request without destination, the same in memory.
class PartFile {
 public:
  // Throws Error(integrity) when the request has hashes, but only weak ones. Opens nothing yet.
  PartFile(const DownloadRequest& request, std::uint64_t max_bytes);
  PartFile(PartFile&&) noexcept;
  PartFile& operator=(PartFile&&) = delete;
  ~PartFile();

  // Begins, or begins anew, with no bytes.
  void restart();
  // Throws Error(integrity) as soon as there are more bytes than the expected size, Error(io) beyond the
  // bound.
  void write(std::string_view bytes);
  std::uint64_t received() const noexcept { return received_; }
  std::optional<std::uint64_t> expected_size() const noexcept { return request_->size; }
  bool has_hash() const noexcept { return !hashes_.empty(); }
  // Throws Error(integrity) when `size`, told by the server before the body, cannot be right; Error(io)
  // beyond the bound.
  void check_announced(std::uint64_t size) const;

  // Checks size and hash of what was received: what is wrong, or nullopt. May be called once per restart().
  std::optional<std::string> verify();
  // Of those in memory, what has come: faster than each for itself. verify() needs none of it.
  static void hash_together(std::span<PartFile* const> parts);
  // After a verify() that found nothing: renames.
  DownloadResult publish();

 private:
  struct Running {
    HashAlgorithm algorithm;
    Hasher hasher;
  };

  const DownloadRequest* request_;
  std::uint64_t max_bytes_;
  std::vector<Hash> hashes_;              // the strong ones, or the request's checksums
  std::vector<Running> hashers_;          // sha256 first; none when it is made by growing_
  std::optional<GrowingSha256> growing_;  // of bytes_
  std::string part_;
  Fd fd_;
  std::shared_ptr<std::string> bytes_;  // in memory
  std::uint64_t received_ = 0;
  Sha256 sha256_;
};

// A page that grows in memory up to a bound.
class PageBody {
 public:
  PageBody(const PageRequest& request, std::uint64_t max_bytes) : request_(&request), max_bytes_(max_bytes) {}

  void restart() { bytes_.clear(); }
  void write(std::string_view bytes);  // throws Error(io) beyond the bound
  std::uint64_t received() const noexcept { return bytes_.size(); }
  void check_announced(std::uint64_t size) const;
  std::string take() { return std::exchange(bytes_, {}); }

 private:
  const PageRequest* request_;
  std::uint64_t max_bytes_;
  std::string bytes_;
};

}  // namespace axle
