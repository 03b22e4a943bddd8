#pragma once
// One-file programs: an unpacker, and behind it everything of a directory, compressed. unpacker/unpack.c
// reads what this writes; docs/bundle.md has the format.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/fd.h"

namespace axle {

struct ImageRequest {
  std::string name;   // for people, in the name of the unpacked tree: letters, digits, "._-"
  std::string start;  // what is started, below the directory: "bin/app"
  std::int64_t mtime = 0;
  int level = 9;  // higher ones take many times as long for some percent
  unsigned jobs = 1;
};

struct ImageSizes {
  std::uint64_t files = 0;
  std::uint64_t raw = 0;   // bytes of all files
  std::uint64_t size = 0;  // of the program
  std::string key;         // 32 hexadecimal digits, of all content
};

// Writes the program for the directory `dir` into the empty file `to`. The bytes depend on the content alone.
// Throws Error(io); Error(unsupported) where axle was built without the unpacker.
ImageSizes write_image(const Fd& dir, const Fd& to, const ImageRequest& request);

// The unpacker's bytes; "" when the build had no static libzstd.
std::string_view unpacker_program() noexcept;
// The machine that it runs on, as in platform tags.
std::string_view unpacker_machine() noexcept;

}  // namespace axle
