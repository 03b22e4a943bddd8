#pragma once
// A file that becomes another by one rename when it is complete, and is gone otherwise.

#include <string>
#include <string_view>

#include "base/fd.h"

namespace axle {

// Whether a file of this name is one of these, perhaps left by a kill.
bool is_temporary_name(std::string_view name) noexcept;

// What a rename would replace must be a regular file, or absent: a device, a pipe or a directory is
// Error(io).
void require_replaceable(const std::string& path);

class TemporaryFile {
 public:
  // In `directory`, under a name of its own, locked (flock) as long as it is open. Throws Error(io).
  static TemporaryFile create(const std::string& directory);
  // Removes those that a killed process left in `directory`: nobody holds their lock, and they have lain for
  // a minute. What cannot be removed stays.
  static void remove_abandoned(const std::string& directory) noexcept;
  TemporaryFile(TemporaryFile&& other) noexcept;
  TemporaryFile& operator=(TemporaryFile&& other) noexcept;
  ~TemporaryFile();

  void write(std::string_view bytes) const;
  const std::string& path() const noexcept { return path_; }
  const Fd& fd() const noexcept { return fd_; }
  // Takes the place of whatever file is at `path`, on the same file system; mode 0666 less the umask. Only a
  // regular file is replaced: a device, a pipe or a directory is Error(io).
  void publish(const std::string& path);

 private:
  TemporaryFile(std::string path, Fd fd) : path_(std::move(path)), fd_(std::move(fd)) {}
  std::string path_;  // "" when there is nothing to remove
  Fd fd_;
};

}  // namespace axle
