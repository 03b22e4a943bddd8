#pragma once
// Which archive a local file was when it was last hashed, by directory: an unhashed wheel is recognised by
// path, size, time and inode without being read.

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "axle/base/digest.h"
#include "base/fd.h"

namespace axle {

class LocalIndex {
 public:
  explicit LocalIndex(const Fd& store_root) : root_(store_root) {}

  // `path` is absolute or relative to the working directory. nullopt when the file is not known as it is now.
  std::optional<Sha256> find(const std::string& path, const struct stat& status);
  void add(const std::string& path, const struct stat& status, const Sha256& digest);
  // Writes what was added. A failure is no error: the next run hashes again.
  void save() noexcept;

 private:
  struct Row {
    std::uint64_t size = 0;
    std::uint64_t inode = 0;
    std::int64_t mtime_ns = 0;
    Sha256 digest;
  };
  struct Directory {
    std::map<std::string, Row> rows;  // by file name
    bool changed = false;
  };
  Directory& directory_of(const std::string& path);

  const Fd& root_;
  std::map<std::string, Directory> directories_;  // by absolute path
};

}  // namespace axle
