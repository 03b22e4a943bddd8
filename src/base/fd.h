#pragma once
// File descriptors by RAII, and the system calls on directory descriptors that axle uses. Every function
// throws Error(io) with the path and the system's words; names are single components or RelPaths, never
// followed out of the directory by "..".

#include <sys/stat.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace axle {

class Fd {
 public:
  Fd() noexcept = default;
  explicit Fd(int fd) noexcept : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd();

  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// Throws Error(io) "<doing> <path>: <strerror>" from errno, with a hint where one is known (ENOSPC, EACCES,
// ...).
[[noreturn]] void throw_errno(std::string_view doing, std::string_view path);

// Opens. `path` may be absolute or relative to `dir` (AT_FDCWD for the working directory).
Fd open_file(int dir, const std::string& path);                     // for reading
std::optional<Fd> try_open_file(int dir, const std::string& path);  // nullopt when it does not exist
Fd open_dir(int dir, const std::string& path);
std::optional<Fd> try_open_dir(int dir, const std::string& path);  // nullopt: absent or no directory
// The same, but a link at the end of the path is no directory.
std::optional<Fd> try_open_dir_here(int dir, const std::string& path);
// The same, but links on the way may not lead out of `dir`: Error(conflict) for one that does. A path with
// ".." or an absolute one leads out, too.
std::optional<Fd> try_open_dir_beneath(int dir, const std::string& path);

// mkdir; an existing directory is fine. Mode 0755 whatever the umask.
void make_dir(int dir, const std::string& path);
void make_dirs(int dir, const std::string& path);  // with parents

std::optional<struct stat> try_lstat(int dir, const std::string& path);  // nullopt when absent
std::optional<struct stat> try_stat(int dir, const std::string& path);
std::string read_link(int dir, const std::string& path);
std::optional<std::string> try_read_link(int dir, const std::string& path);  // nullopt: absent or no link

void rename_at(int from_dir, const std::string& from, int to_dir, const std::string& to);
void symlink_at(const std::string& target, int dir, const std::string& path);
void unlink_at(int dir, const std::string& path);    // absent is fine
void remove_tree(int dir, const std::string& path);  // absent is fine; makes read-only directories writable
bool remove_dir_if_empty(int dir, const std::string& path);  // true when it is gone

// While it lives, the process creates files and directories with exactly the modes asked for. The umask
// belongs to the whole process: not for use on several threads at once.
class ExactModes {
 public:
  ExactModes() noexcept;
  ~ExactModes();
  ExactModes(const ExactModes&) = delete;
  ExactModes& operator=(const ExactModes&) = delete;

 private:
  unsigned old_;
};

// One entry of a directory; `type` is a DT_ constant, never DT_UNKNOWN.
struct DirEntry {
  std::string name;
  unsigned char type;
};
// Sorted by name, without "." and "..".
std::vector<DirEntry> list_dir(int dir, const std::string& path);
// The same of an open directory, once: its position is left at the end. `name` is for errors.
std::vector<DirEntry> list_dir(const Fd& dir, std::string_view name);

}  // namespace axle
