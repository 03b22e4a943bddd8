#pragma once
// A file that becomes another by one rename when it is complete, and is gone otherwise.

#include <string>
#include <string_view>

#include "base/fd.h"

namespace axle {

class TemporaryFile {
 public:
  // In `directory`, under a name of its own. Throws Error(io).
  static TemporaryFile create(const std::string& directory);
  TemporaryFile(TemporaryFile&& other) noexcept;
  TemporaryFile& operator=(TemporaryFile&& other) noexcept;
  ~TemporaryFile();

  void write(std::string_view bytes) const;
  const std::string& path() const noexcept { return path_; }
  // Takes the place of whatever file is at `path`, on the same file system; mode 0666 less the umask. Only a
  // regular file is replaced: a device, a pipe or a directory is Error(io).
  void publish(const std::string& path);

 private:
  TemporaryFile(std::string path, Fd fd) : path_(std::move(path)), fd_(std::move(fd)) {}
  std::string path_;  // "" when there is nothing to remove
  Fd fd_;
};

}  // namespace axle
