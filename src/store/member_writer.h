#pragma once
// From members of an archive to files, verified on the way.

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "axle/archive/archive.h"
#include "axle/store/store.h"
#include "axle/wheel/inspect.h"
#include "base/fd.h"

namespace axle {

// Larger members are inflated, hashed and written in pieces; one task should not have more bytes of smaller
// ones than a few times this.
constexpr std::uint64_t stream_above = 4U << 20;

// How the files of one wheel are written.
struct MemberTarget {
  const Archive& archive;
  const WheelHead& head;
  const Fd& tree;  // its directories are there
  StoreUse use = StoreUse::shared;
  std::optional<std::int64_t> mtime_ns;  // of all files; none: those of the archive
  const Store::Progress& progress;
};

// "purelib/pkg/mod.py": where a member lies below the tree.
std::string staged_path(const MemberRole& role);

// Writes those members, which all have a path, and are all larger than stream_above or none is; what was
// found of member i goes to facts[i].
void write_members(const MemberTarget& target, std::span<const std::uint32_t> members,
                   std::span<MemberFacts> facts);

}  // namespace axle
