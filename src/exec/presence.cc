#include "exec/presence.h"

#include <dirent.h>

#include <algorithm>

namespace axle {

std::optional<unsigned char> Presence::type_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  const std::string_view dir = slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
  const std::string_view name = path.substr(slash + 1);
  if (dir != last_dir_) {
    last_ = &listing_of(dir);
    last_dir_ = dir;
  }
  const auto found =
      std::lower_bound(last_->begin(), last_->end(), name,
                       [](const DirEntry& entry, std::string_view key) { return entry.name < key; });
  if (found == last_->end() || found->name != name) {
    if (names_ == Names::exact) return std::nullopt;
    const auto status = try_lstat(root_.get(), std::string(path));
    return status ? std::optional(static_cast<unsigned char>(IFTODT(status->st_mode))) : std::nullopt;
  }
  return found->type;
}

const std::vector<DirEntry>& Presence::listing_of(std::string_view dir) {
  const auto known = listings_.find(dir);
  if (known != listings_.end()) return known->second;
  std::vector<DirEntry> entries;
  if (dir.empty() || type_of(dir)) {
    const std::string path = dir.empty() ? "." : std::string(dir);
    if (const auto fd = try_open_dir_beneath(root_.get(), path)) entries = list_dir(*fd, path);
  }
  return listings_.emplace(std::string(dir), std::move(entries)).first->second;
}

}  // namespace axle
