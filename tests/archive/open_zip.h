#pragma once
// Opening zips that exist in memory only.

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "axle/archive/archive.h"
#include "axle/archive/matches.h"
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

// What the matches make of the literals among `plain`.
inline std::string expand(const MatchList& list, const std::string& plain) {
  std::string made;
  for (const Match& match : list.matches()) {
    made += plain.substr(made.size(), match.literals);
    for (std::uint32_t i = 0; i < match.length; ++i) made += made[made.size() - match.distance];
  }
  return made + plain.substr(made.size(), list.literals());
}

// A deflated member, read by its matches, so many bytes at once. Throws where they do not expand to it.
inline std::string read_by_matches(const Archive& archive, const Member& member,
                                   std::size_t step = std::numeric_limits<std::size_t>::max()) {
  MatchReader reader;
  MatchList list;
  std::string plain(member.size, '\0');
  reader.begin(archive, member);
  for (std::size_t at = 0; at < plain.size();) {
    const std::size_t count = std::min(step, plain.size() - at);
    reader.read({plain.data() + at, count, at, at}, list);
    at += count;
  }
  reader.finish();
  if (expand(list, plain) != plain) throw Error(ErrorCode::io, "the matches are not those of the bytes");
  return plain;
}

// Every member by name, through read(); throws where stream() or the matches give something else.
inline std::vector<std::pair<std::string, std::string>> read_all(const Archive& archive) {
  std::vector<std::pair<std::string, std::string>> files;
  ReadBuffer buffer;
  for (const Member& member : archive.members()) {
    std::string streamed;
    archive.stream(member, [&](std::string_view piece) { streamed += piece; });
    files.emplace_back(member.name, archive.read(member, buffer));
    if (files.back().second != streamed) throw Error(ErrorCode::io, "read and stream differ");
    if (member.method != ZipMethod::deflate) continue;
    if (read_by_matches(archive, member) != streamed) throw Error(ErrorCode::io, "read and matches differ");
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
