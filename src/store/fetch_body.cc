#include "store/fetch_body.h"

#include <fcntl.h>

#include <algorithm>
#include <utility>

#include "axle/base/error.h"
#include "base/file.h"
#include "base/text.h"

namespace axle {
namespace {

std::string bytes_text(std::uint64_t count) { return std::to_string(count) + " bytes"; }

}  // namespace

void throw_fetch_error(ErrorCode code, std::string_view url, std::string_view package,
                       const std::string& what, std::string hint) {
  const std::string message = package.empty() ? what : std::string(package) + ": " + what;
  throw Error(code, Place{redact_url(url)}, message, std::move(hint));
}

PartFile::PartFile(const DownloadRequest& request, std::uint64_t max_bytes)
    : request_(&request), max_bytes_(max_bytes), part_(request.destination + ".part") {
  std::copy_if(request.hashes.begin(), request.hashes.end(), std::back_inserter(hashes_),
               [](const Hash& hash) { return is_strong(hash.algorithm); });
  if (request.hashes.empty()) hashes_ = request.checksums;
  std::vector<HashAlgorithm> algorithms{HashAlgorithm::sha256};
  for (const Hash& hash : hashes_) {
    if (std::find(algorithms.begin(), algorithms.end(), hash.algorithm) == algorithms.end()) {
      algorithms.push_back(hash.algorithm);
    }
  }
  if (hashes_.empty() && !request.hashes.empty()) {
    throw_fetch_error(ErrorCode::integrity, request.url, request.package,
                      "has only a " + std::string(to_string(request.hashes.front().algorithm)) +
                          " hash, which proves nothing",
                      "lock it again with sha256 hashes");
  }
  if (request.destination.empty() && algorithms.size() == 1) {
    growing_.emplace();
    return;
  }
  for (const HashAlgorithm algorithm : algorithms) hashers_.push_back({algorithm, Hasher(algorithm)});
}

PartFile::PartFile(PartFile&&) noexcept = default;

PartFile::~PartFile() {
  if (fd_) ::unlinkat(AT_FDCWD, part_.c_str(), 0);
}

void PartFile::restart() {
  if (request_->destination.empty()) {
    bytes_ = std::make_shared<std::string>();
    bytes_->reserve(static_cast<std::size_t>(request_->size.value()));
  } else if (!fd_) {
    // Left by a killed process; O_EXCL then never follows a link that somebody put here.
    unlink_at(AT_FDCWD, part_);
    Fd fd(::open(part_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
    if (!fd) throw_errno("creating", part_);
    fd_ = std::move(fd);
  } else if (received_ != 0) {
    if (::ftruncate(fd_.get(), 0) != 0 || ::lseek(fd_.get(), 0, SEEK_SET) != 0)
      throw_errno("truncating", part_);
  }
  for (Running& running : hashers_) running.hasher.reset();
  if (growing_) growing_->restart(bytes_->data());
  received_ = 0;
}

void PartFile::check_announced(std::uint64_t size) const {
  if (request_->size && size != *request_->size) {
    throw_fetch_error(
        ErrorCode::integrity, request_->url, request_->package,
        "the server's file has " + bytes_text(size) + ", expected are " + bytes_text(*request_->size));
  }
  if (size > max_bytes_) {
    throw_fetch_error(
        ErrorCode::io, request_->url, request_->package,
        "the server's file has " + bytes_text(size) + ", more than the bound of " + bytes_text(max_bytes_));
  }
}

void PartFile::write(std::string_view bytes) {
  const std::uint64_t total = received_ + bytes.size();
  if (request_->size && total > *request_->size) {
    throw_fetch_error(ErrorCode::integrity, request_->url, request_->package,
                      "the server sends more than the expected " + bytes_text(*request_->size));
  }
  if (total > max_bytes_) {
    throw_fetch_error(ErrorCode::io, request_->url, request_->package,
                      "the server sends more than the bound of " + bytes_text(max_bytes_));
  }
  if (bytes_) {
    bytes_->append(bytes);
  } else {
    write_all(fd_, bytes, part_);
  }
  for (Running& running : hashers_) running.hasher.update(bytes);
  received_ = total;
  if (growing_) growing_->grow(bytes_->size());
}

void PartFile::hash_together(std::span<PartFile* const> parts) {
  std::vector<GrowingSha256*> growing;
  for (PartFile* part : parts) {
    if (part->growing_) growing.push_back(&*part->growing_);
  }
  GrowingSha256::advance(growing);
}

std::optional<std::string> PartFile::verify() {
  if (request_->size && received_ != *request_->size) {
    return "got " + bytes_text(received_) + ", expected are " + bytes_text(*request_->size);
  }
  bool matches = hashes_.empty();
  std::string found;
  const auto compare = [&](const Hash& hash) {
    if (std::find(hashes_.begin(), hashes_.end(), hash) != hashes_.end()) matches = true;
    if (!hashes_.empty() && hash.algorithm == hashes_.front().algorithm) found = hash.str();
  };
  if (growing_) {
    sha256_ = growing_->finish();
    compare({HashAlgorithm::sha256, sha256_.hex()});
  }
  for (Running& running : hashers_) {
    const std::string raw = running.hasher.finish();
    if (running.algorithm == HashAlgorithm::sha256) {
      std::copy(raw.begin(), raw.end(), reinterpret_cast<char*>(sha256_.bytes.data()));
    }
    compare({running.algorithm, to_hex(raw)});
  }
  if (matches) return std::nullopt;
  std::string what = "hash mismatch: got " + found + ", expected is " + hashes_.front().str();
  if (hashes_.size() > 1) what += " or one of " + std::to_string(hashes_.size() - 1) + " more";
  return what;
}

DownloadResult PartFile::publish() {
  if (bytes_) return {sha256_, received_, std::move(bytes_)};
  rename_at(AT_FDCWD, part_, AT_FDCWD, request_->destination);
  fd_ = Fd();
  return {sha256_, received_, nullptr};
}

void PageBody::check_announced(std::uint64_t size) const {
  if (size > max_bytes_) {
    throw_fetch_error(
        ErrorCode::io, request_->url, request_->package,
        "the page has " + bytes_text(size) + ", more than the bound of " + bytes_text(max_bytes_));
  }
}

void PageBody::write(std::string_view bytes) {
  if (bytes_.size() + bytes.size() > max_bytes_) {
    throw_fetch_error(ErrorCode::io, request_->url, request_->package,
                      "the page is larger than the bound of " + bytes_text(max_bytes_));
  }
  bytes_ += bytes;
}

}  // namespace axle
