#pragma once
// A directory as a tar, as it is or compressed: the same content gives the same bytes.

#include <cstdint>
#include <string>

#include "base/fd.h"

namespace axle {

enum class TarForm { plain, gzip, zstd };

struct TarRequest {
  std::string top;  // the directory that everything is in
  TarForm form = TarForm::plain;
  std::int64_t mtime = 0;  // of every member
  unsigned jobs = 1;       // changes nothing of the result
};

// Modes are 0644 and 0755, owners 0. Throws Error(io).
void write_tar_of(const Fd& dir, const Fd& to, const TarRequest& request);

// Adds up the files below a directory.
void count_below(const Fd& dir, std::uint64_t& files, std::uint64_t& bytes);

}  // namespace axle
