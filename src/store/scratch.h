#pragma once
// Directories below the store's tmp in which something is made that is not there yet. What a killed command
// left is removed by the next one.

#include <string>
#include <string_view>

#include "base/fd.h"

namespace axle {

// Exists as long as the object, unless it was renamed to its place. A lock on it shows other processes that
// it is in use.
class ScratchDirectory {
 public:
  // `store` must outlive it.
  ScratchDirectory(const Fd& store, std::string_view prefix);
  ~ScratchDirectory();
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;

  int fd() const noexcept { return fd_.get(); }
  const std::string& path() const noexcept { return path_; }  // relative to the store's root
  // It is something else now: nothing is removed at the end; or what is now at `path` is removed in its
  // stead.
  void give_up() noexcept { path_.clear(); }
  void remove_instead(std::string path) noexcept { path_ = std::move(path); }

 private:
  const Fd& store_;
  std::string path_;
  Fd fd_;
};

// Replaces a small file of the store by one rename; until then it is a locked file in tmp.
void replace_stored(const Fd& store, const std::string& path, std::string_view bytes);

// Removes the scratch directories and files of commands that are gone.
void remove_abandoned(const Fd& store);

}  // namespace axle
