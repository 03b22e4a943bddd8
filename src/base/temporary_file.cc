#include "base/temporary_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "axle/base/error.h"
#include "base/file.h"

namespace axle {

TemporaryFile TemporaryFile::create(const std::string& directory) {
  static std::atomic<unsigned> count{0};
  while (true) {
    std::string path =
        directory + "/.axle-new-" + std::to_string(getpid()) + "-" + std::to_string(count.fetch_add(1));
    Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
    if (fd) return {std::move(path), std::move(fd)};
    if (errno != EEXIST) throw_errno("cannot create", path);
  }
}

TemporaryFile::TemporaryFile(TemporaryFile&& other) noexcept
    : path_(std::exchange(other.path_, {})), fd_(std::move(other.fd_)) {}

TemporaryFile& TemporaryFile::operator=(TemporaryFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(fd_, other.fd_);
  return *this;
}

TemporaryFile::~TemporaryFile() {
  if (!path_.empty()) unlink(path_.c_str());
}

void TemporaryFile::write(std::string_view bytes) const { write_all(fd_, bytes, path_); }

void TemporaryFile::publish(const std::string& path) {
  const auto there = try_stat(AT_FDCWD, path);
  if (there && !S_ISREG(there->st_mode)) {
    throw Error(ErrorCode::io, Place{path}, "exists and is no regular file", "name another file");
  }
  rename_at(AT_FDCWD, path_, AT_FDCWD, path);
  path_.clear();
}

}  // namespace axle
