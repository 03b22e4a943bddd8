#pragma once
// Whether unpacked files still look as they were unpacked, by size and time alone: no content is read.

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "axle/plan/plan.h"
#include "axle/wheel/facts.h"
#include "exec/dist_tree.h"

namespace axle {

// A link shows whatever the store holds. So many files of a tree, the first ones, are looked at when it is
// linked: all of a small package. To look at each would cost a hard link a fifth more, and make that of a
// directory as slow as what is behind it is large.
inline constexpr std::size_t sampled_files = 8;

// Of a wheel whose directory or file is linked, those files; of its dist-info METADATA, without which nothing
// works.
std::vector<std::uint32_t> sampled_for_link(const Plan& plan, const Entry& entry);

bool looks_unpacked(const struct stat& status, const FileFact& file) noexcept;

// The first file that was changed or removed: of the whole wheel, below one of its directories, or that file.
std::optional<std::string> find_damage(const DistTree& tree, const WheelFacts& facts);
std::optional<std::string> find_damage(const DistTree& tree, const WheelFacts& facts, std::uint32_t dir);
std::optional<std::string> find_damage_of_file(const DistTree& tree, const WheelFacts& facts,
                                               std::uint32_t file);

}  // namespace axle
