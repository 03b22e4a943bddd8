#include "base/temporary_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <ctime>
#include <optional>

#include "axle/base/error.h"
#include "base/file.h"

namespace axle {
namespace {

constexpr std::string_view prefix = ".axle-new-";
// Between being made and being locked passes less.
constexpr time_t least_age = 60;

}  // namespace

bool is_temporary_name(std::string_view name) noexcept { return name.starts_with(prefix); }

TemporaryFile TemporaryFile::create(const std::string& directory) {
  static std::atomic<unsigned> count{0};
  while (true) {
    std::string path = directory + "/" + std::string(prefix) + std::to_string(getpid()) + "-" +
                       std::to_string(count.fetch_add(1));
    Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
    if (fd) {
      flock(fd.get(), LOCK_EX | LOCK_NB);  // some file systems have no locks: then others' age protects it
      return {std::move(path), std::move(fd)};
    }
    if (errno != EEXIST) throw_errno("cannot create", path);
  }
}

void TemporaryFile::remove_abandoned(const std::string& directory) noexcept {
  try {
    for (const DirEntry& entry : list_dir(AT_FDCWD, directory)) {
      if (!is_temporary_name(entry.name) || entry.type != DT_REG) continue;
      const std::string path = directory + "/" + entry.name;
      const auto file = try_open_file(AT_FDCWD, path);
      const auto status = file ? try_stat(AT_FDCWD, path) : std::nullopt;
      if (!status || status->st_mtime + least_age > time(nullptr)) continue;
      if (flock(file->get(), LOCK_EX | LOCK_NB) == 0) unlink(path.c_str());
    }
  } catch (const Error&) {  // somebody else's directory
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

void require_replaceable(const std::string& path) {
  const auto there = try_stat(AT_FDCWD, path);
  if (there && !S_ISREG(there->st_mode)) {
    throw Error(ErrorCode::io, Place{path}, "exists and is no regular file", "name another file");
  }
}

void TemporaryFile::publish(const std::string& path) {
  require_replaceable(path);
  rename_at(AT_FDCWD, path_, AT_FDCWD, path);
  path_.clear();
}

}  // namespace axle
