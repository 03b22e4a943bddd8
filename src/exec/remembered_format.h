#pragma once
// The file of a remembered plan: a header, entries and looks in the byte form of base/codec.h, and the texts
// of RECORDs as they are. Those have a digest that is compared by `axle store verify`, and not at each use,
// which would cost a third of what remembering saves, as that of facts. Each use compares a CRC-32, so that
// no damage gets into a RECORD.

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "axle/base/digest.h"

namespace axle::remembered {

inline constexpr const char* folder = "plans";
inline constexpr std::string_view file_magic = "AXLEPLAN";
inline constexpr std::string_view entries_magic = "AXLEPLE1";
inline constexpr std::string_view looks_magic = "AXLEPLL1";

// After the magic: for each part its size, 8 bytes of this machine's order; the parts follow.
enum Part : std::size_t { part_entries, part_looks, part_texts, part_count };
inline constexpr std::size_t header_size = file_magic.size() + part_count * sizeof(std::uint64_t);

// What is at a path. script: a generated file whose first line, which is not kept, names the interpreter.
enum class Kind : std::uint64_t { link, file, generated, script, directory, record };

// Files of dist-infos that are the same in many environments: INSTALLER, REQUESTED, RECORDs without scripts.
// They are named by their time and bytes, and laid by hard link.
inline constexpr const char* kept_folder = "own";
inline std::string kept_name(std::int64_t mtime_ns, const Sha256& bytes) {
  return Sha256::of(std::to_string(mtime_ns) + " " + bytes.hex()).hex();
}

// A change of modes in an environment that has one changes it for all.
inline constexpr mode_t kept_mode = 0644;
inline bool has_kept_mode(const struct stat& status) noexcept {
  return (status.st_mode & 07777) == kept_mode;
}

inline std::string file_name(const Sha256& key) { return std::string(folder) + "/" + key.hex(); }

// CRC-32 of the texts.
std::uint32_t texts_sum(std::string_view texts) noexcept;

// The first line of scripts that start the interpreter; "" when it would not be one line with a plain path.
std::string plain_shebang(const std::string& interpreter);

}  // namespace axle::remembered
