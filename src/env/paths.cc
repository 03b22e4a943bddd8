#include "env/paths.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <vector>

#include "base/fd.h"
#include "base/text.h"

namespace axle {

std::string path_in(std::string_view dir, std::string_view name) {
  std::string joined(dir);
  if (!joined.empty() && joined.back() != '/') joined += '/';
  joined += name;
  return joined;
}

std::string parent_path(std::string_view path) {
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return {};
  return std::string(slash == 0 ? "/" : path.substr(0, slash));
}

std::string_view base_name(std::string_view path) noexcept {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::string absolute_from(std::string_view working_dir, std::string_view path) {
  std::string whole;
  const std::string full = path.starts_with('/') ? std::string(path) : path_in(working_dir, path);
  for (std::string_view part : split(full, '/')) {
    if (part.empty() || part == ".") continue;
    whole += '/';
    whole += part;
  }
  return whole.empty() ? "/" : whole;
}

std::optional<std::string> real_path(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr), &std::free);
  if (!real) return std::nullopt;
  return std::string(real.get());
}

namespace {

bool is_same_file(const std::string& a, const std::string& b) {
  const auto first = try_lstat(AT_FDCWD, a);
  const auto second = first ? try_lstat(AT_FDCWD, b) : std::nullopt;
  return second && first->st_ino == second->st_ino && first->st_dev == second->st_dev;
}

std::string in_other_case(std::string_view name) {
  std::string other(name);
  for (char& c : other) {
    if (c >= 'a' && c <= 'z') {
      c = static_cast<char>(c - 'a' + 'A');
    } else if (c >= 'A' && c <= 'Z') {
      c = static_cast<char>(c - 'A' + 'a');
    }
  }
  return other;
}

}  // namespace

bool folds_case(const std::string& path) {
  std::string dir = path;
  while (dir.size() > 1 && !is_directory(dir)) dir = parent_path(dir);
  const std::string own = path_in(dir, ".axle");
  // FUSE may give one file two inodes, so that it is there must do.
  if (try_lstat(AT_FDCWD, own)) return try_lstat(AT_FDCWD, path_in(dir, ".AXLE")).has_value();
  // ext4 and f2fs say it of each directory.
  if (const auto fd = try_open_dir(AT_FDCWD, dir)) {
    long flags = 0;
    if (ioctl(fd->get(), FS_IOC_GETFLAGS, &flags) == 0 && (flags & FS_CASEFOLD_FL) != 0) return true;
  }
  const std::string other = in_other_case(base_name(dir));
  return other != base_name(dir) && is_same_file(dir, path_in(parent_path(dir), other));
}

std::string existing_path(const std::string& path) {
  auto real = real_path(path);
  if (!real) throw_errno("cannot find the real path of", path);
  return *std::move(real);
}

std::string relative_path(std::string_view from_dir, std::string_view to) {
  const auto parts_of = [](std::string_view path) {
    std::vector<std::string_view> parts = split(path, '/');
    std::erase(parts, std::string_view());
    return parts;
  };
  const std::vector<std::string_view> from = parts_of(from_dir);
  const std::vector<std::string_view> target = parts_of(to);
  const auto [x, y] = std::mismatch(from.begin(), from.end(), target.begin(), target.end());
  std::string path;
  for (auto up = x; up != from.end(); ++up) path += path.empty() ? ".." : "/..";
  for (auto down = y; down != target.end(); ++down) path += (path.empty() ? "" : "/") + std::string(*down);
  return path.empty() ? "." : path;
}

bool is_regular_file(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

bool is_directory(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

bool is_program(const std::string& path) {
  return is_regular_file(path) && ::faccessat(AT_FDCWD, path.c_str(), X_OK, AT_EACCESS) == 0;
}

}  // namespace axle
