#include "base/fd.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>

#include "axle/base/error.h"

namespace axle {
namespace {

std::string hint_for(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return "free some space, or choose another place";
    case EACCES:
    case EPERM:
      return "check the permissions of the file and of the directories above it";
    case EROFS:
      return "the file system is mounted read-only";
    case EMFILE:
    case ENFILE:
      return "raise the limit of open files (ulimit -n)";
    default:
      return {};
  }
}

std::optional<Fd> try_open(int dir, const std::string& path, int flags, std::string_view doing) {
  const int fd = openat(dir, path.c_str(), flags | O_CLOEXEC);
  if (fd >= 0) return Fd(fd);
  if (errno == ENOENT || ((flags & O_DIRECTORY) != 0 && errno == ENOTDIR)) return std::nullopt;
  throw_errno(doing, path);
}

std::optional<struct stat> stat_with(int dir, const std::string& path, int flags) {
  struct stat status {};
  if (fstatat(dir, path.c_str(), &status, flags) == 0) return status;
  if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
  throw_errno("cannot look at", path);
}

}  // namespace

Fd::~Fd() {
  if (fd_ >= 0) close(fd_);
}

ExactModes::ExactModes() noexcept : old_(umask(0)) {}
ExactModes::~ExactModes() { umask(old_); }

void throw_errno(std::string_view doing, std::string_view path) {
  const int error = errno;
  throw Error(ErrorCode::io, Place{std::string(path)}, std::string(doing) + ": " + std::strerror(error),
              hint_for(error));
}

Fd open_file(int dir, const std::string& path) {
  const int fd = openat(dir, path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) throw_errno("cannot open", path);
  return Fd(fd);
}

std::optional<Fd> try_open_file(int dir, const std::string& path) {
  return try_open(dir, path, O_RDONLY, "cannot open");
}

Fd open_dir(int dir, const std::string& path) {
  const int fd = openat(dir, path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) throw_errno("cannot open directory", path);
  return Fd(fd);
}

std::optional<Fd> try_open_dir(int dir, const std::string& path) {
  return try_open(dir, path, O_RDONLY | O_DIRECTORY, "cannot open directory");
}

std::optional<Fd> try_open_dir_here(int dir, const std::string& path) {
  const int fd = openat(dir, path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd >= 0) return Fd(fd);
  if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP) return std::nullopt;
  throw_errno("cannot open directory", path);
}

void make_dir(int dir, const std::string& path) {
  if (mkdirat(dir, path.c_str(), 0755) == 0) return;
  if (errno == EEXIST) {
    const auto status = try_stat(dir, path);
    if (status && S_ISDIR(status->st_mode)) return;
    errno = ENOTDIR;
  }
  throw_errno("cannot create directory", path);
}

void make_dirs(int dir, const std::string& path) {
  if (mkdirat(dir, path.c_str(), 0755) == 0) return;
  if (errno == ENOENT) {
    const std::size_t slash = path.find_last_of('/');
    if (slash != std::string::npos && slash != 0) {
      make_dirs(dir, path.substr(0, slash));
      make_dir(dir, path);
      return;
    }
    errno = ENOENT;
  }
  if (errno == EEXIST) {
    const auto status = try_stat(dir, path);
    if (status && S_ISDIR(status->st_mode)) return;
    errno = ENOTDIR;
  }
  throw_errno("cannot create directory", path);
}

std::optional<struct stat> try_lstat(int dir, const std::string& path) {
  return stat_with(dir, path, AT_SYMLINK_NOFOLLOW);
}
std::optional<struct stat> try_stat(int dir, const std::string& path) { return stat_with(dir, path, 0); }

std::optional<std::string> try_read_link(int dir, const std::string& path) {
  std::array<char, PATH_MAX> buffer;
  const ssize_t length = readlinkat(dir, path.c_str(), buffer.data(), buffer.size());
  if (length >= 0) return std::string(buffer.data(), static_cast<std::size_t>(length));
  if (errno == EINVAL || errno == ENOENT || errno == ENOTDIR) return std::nullopt;
  throw_errno("cannot read link", path);
}

std::string read_link(int dir, const std::string& path) {
  if (auto target = try_read_link(dir, path)) return *std::move(target);
  throw_errno("cannot read link", path);
}

void rename_at(int from_dir, const std::string& from, int to_dir, const std::string& to) {
  if (renameat(from_dir, from.c_str(), to_dir, to.c_str()) != 0) throw_errno("cannot rename to " + to, from);
}

void symlink_at(const std::string& target, int dir, const std::string& path) {
  if (symlinkat(target.c_str(), dir, path.c_str()) != 0) throw_errno("cannot create link", path);
}

void unlink_at(int dir, const std::string& path) {
  if (unlinkat(dir, path.c_str(), 0) != 0 && errno != ENOENT) throw_errno("cannot remove", path);
}

void remove_tree(int dir, const std::string& path) {
  const auto status = try_lstat(dir, path);
  if (!status) return;
  if (!S_ISDIR(status->st_mode)) return unlink_at(dir, path);
  if ((status->st_mode & S_IRWXU) != S_IRWXU) fchmodat(dir, path.c_str(), 0700, 0);
  {
    const Fd self = open_dir(dir, path);
    for (const DirEntry& entry : list_dir(self, path)) {
      if (entry.type == DT_DIR) {
        remove_tree(self.get(), entry.name);
      } else {
        unlink_at(self.get(), entry.name);
      }
    }
  }
  if (unlinkat(dir, path.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT)
    throw_errno("cannot remove directory", path);
}

bool remove_dir_if_empty(int dir, const std::string& path) {
  if (unlinkat(dir, path.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) return true;
  if (errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR || errno == EBUSY) return false;
  throw_errno("cannot remove directory", path);
}

std::vector<DirEntry> list_dir(int dir, const std::string& path) {
  return list_dir(open_dir(dir, path), path);
}

std::vector<DirEntry> list_dir(const Fd& fd, std::string_view name) {
  // The layout of the kernel's records; readdir() would need a stream and its buffer for each directory.
  struct Head {
    std::uint64_t inode;
    std::int64_t offset;
    unsigned short length;
    unsigned char type;
  };
  constexpr std::size_t name_offset = 19;
  alignas(Head) std::array<char, 32U << 10> buffer;
  std::vector<DirEntry> entries;
  while (true) {
    const long got = syscall(SYS_getdents64, fd.get(), buffer.data(), buffer.size());
    if (got < 0) throw_errno("cannot list directory", name);
    if (got == 0) break;
    for (long at = 0; at < got;) {
      Head head;
      std::memcpy(&head, buffer.data() + at, name_offset);
      const std::string_view entry = buffer.data() + at + name_offset;
      at += head.length;
      if (entry == "." || entry == "..") continue;
      unsigned char type = head.type;
      if (type == DT_UNKNOWN) {
        const auto status = try_lstat(fd.get(), std::string(entry));
        type =
            status ? static_cast<unsigned char>(IFTODT(status->st_mode)) : static_cast<unsigned char>(DT_REG);
      }
      entries.push_back({std::string(entry), type});
    }
  }
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return entries;
}

}  // namespace axle
