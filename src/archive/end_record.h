#pragma once
// The end of an archive: its end record, and the ZIP64 records where it has them.

#include <cstdint>
#include <string>
#include <string_view>

#include "archive/format.h"
#include "axle/archive/archive.h"

namespace axle::zip {

// What the end records say, once it is certain that every reader finds the same ones.
struct Directory {
  std::uint64_t entries = 0;
  std::uint64_t offset = 0;  // of the central directory
  std::uint64_t size = 0;
};

// The last bytes of the file, held in memory: at least the central directory and all after it.
struct Tail {
  std::uint64_t begin = 0;  // offset of the first byte held
  std::string bytes;

  std::string_view at(std::uint64_t offset, std::uint64_t size) const {
    return std::string_view(bytes).substr(static_cast<std::size_t>(offset - begin),
                                          static_cast<std::size_t>(size));
  }
};

struct End {
  Directory directory;
  Tail tail;
};

// Finds the end of the archive. The central directory lies within the file and reaches exactly to the end
// records; its size and entries are within the limits. Throws Error(bad_input).
End read_end(const Source& source, const ArchiveLimits& limits);

}  // namespace axle::zip
