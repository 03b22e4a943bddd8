#include "base/fd.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
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

namespace {

[[noreturn]] void leads_out(const std::string& path) {
  throw Error(ErrorCode::conflict, Place{path}, "is, or lies behind, a link that leads out of this directory",
              "nothing is read or written through such links: remove the link, or make it a directory");
}

// Where an open directory is; "" where /proc does not say.
std::string path_of(int fd) {
  std::array<char, PATH_MAX> buffer;
  const std::string link = "/proc/self/fd/" + std::to_string(fd);
  const ssize_t length = readlink(link.c_str(), buffer.data(), buffer.size());
  return length < 0 ? std::string() : std::string(buffer.data(), static_cast<std::size_t>(length));
}

// For kernels before 5.6, and sandboxes that know no openat2.
std::optional<Fd> open_and_look(int dir, const std::string& path) {
  auto opened = try_open_dir(dir, path);
  if (!opened) return std::nullopt;
  const std::string top = path_of(dir);
  const std::string found = path_of(opened->get());
  if (top != "/" && found != top && !found.starts_with(top + "/")) leads_out(path);
  return opened;
}

}  // namespace

std::optional<Fd> try_open_dir_beneath(int dir, const std::string& path) {
  open_how how{};
  how.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH;
  while (true) {
    const long fd = syscall(SYS_openat2, dir, path.c_str(), &how, sizeof how);
    if (fd >= 0) return Fd(static_cast<int>(fd));
    if (errno == EAGAIN) continue;  // something was renamed meanwhile
    if (errno == ENOSYS || errno == EPERM) return open_and_look(dir, path);
    if (errno == EXDEV) leads_out(path);
    if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
    throw_errno("cannot open directory", path);
  }
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
  if (symlinkat(target.c_str(), dir, path.c_str()) == 0) return;
  if (errno == ENOSYS || errno == EOPNOTSUPP || errno == EPERM) {
    throw Error(
        ErrorCode::io, Place{path}, std::string("cannot create link: ") + std::strerror(errno),
        "this file system has no symbolic links: choose another place, or --target with --link-mode copy");
  }
  throw_errno("cannot create link", path);
}

void unlink_at(int dir, const std::string& path) {
  if (unlinkat(dir, path.c_str(), 0) != 0 && errno != ENOENT) throw_errno("cannot remove", path);
}

void remove_tree(int dir, const std::string& path) {
  const auto status = try_lstat(dir, path);
  if (!status) return;
  if (!S_ISDIR(status->st_mode)) return unlink_at(dir, path);
  if ((status->st_mode & S_IRWXU) != S_IRWXU) fchmodat(dir, path.c_str(), 0700, 0);
  if (const auto self = try_open_dir_here(dir, path)) {
    for (const DirEntry& entry : list_dir(*self, path)) {
      if (entry.type == DT_DIR) {
        remove_tree(self->get(), entry.name);
      } else {
        unlink_at(self->get(), entry.name);
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
