#pragma once
// Opening zips that exist in memory only.

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "axle/archive/archive.h"
#include "axle/base/error.h"
#include "base/fd.h"
#include "base/file.h"

namespace axle::test {

inline Fd in_memory(const std::string& bytes) {
  Fd fd(memfd_create("zip", MFD_CLOEXEC));
  if (!fd) throw_errno("cannot create", "memory file");
  write_all(fd, bytes, "memory file");
  return fd;
}

inline Archive open_zip(const std::string& bytes, const ArchiveLimits& limits = {}) {
  return Archive::open(in_memory(bytes), "x.whl", limits);
}

inline Archive list_zip(const std::string& bytes) {
  const Fd fd = in_memory(bytes);
  return Archive::list(AT_FDCWD, "/proc/self/fd/" + std::to_string(fd.get()));
}

// Every member by name, through read(); throws where stream() gives something else.
inline std::vector<std::pair<std::string, std::string>> read_all(const Archive& archive) {
  std::vector<std::pair<std::string, std::string>> files;
  ReadBuffer buffer;
  for (const Member& member : archive.members()) {
    std::string streamed;
    archive.stream(member, [&](std::string_view piece) { streamed += piece; });
    files.emplace_back(member.name, archive.read(member, buffer));
    if (files.back().second != streamed) throw Error(ErrorCode::io, "read and stream differ");
  }
  return files;
}

// The error of opening and reading all, if there is one.
inline std::optional<Error> refusal_of(const std::string& bytes, const ArchiveLimits& limits = {}) {
  try {
    read_all(open_zip(bytes, limits));
    return std::nullopt;
  } catch (const Error& error) {
    return error;
  }
}

}  // namespace axle::test
