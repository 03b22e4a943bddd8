#include "env/paths.h"

#include <fcntl.h>
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
