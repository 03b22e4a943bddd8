#pragma once
// File names of wheels and source distributions, and the choice among wheels.
// spec: "Binary distribution format" (file name convention, PEP 427), PEP 625.

#include <axle/pep/natural.h>
#include <axle/pep/tag.h>
#include <axle/pep/version.h>

#include <compare>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace axle {

// "1rc" is {1, "rc"}. Sorts as the spec says; a wheel without one sorts before all that have one.
struct BuildTag {
  Natural number;
  std::string suffix;

  friend auto operator<=>(const BuildTag&, const BuildTag&) = default;
};

struct WheelFilename {
  std::string name;      // normalized
  std::string raw_name;  // as written
  Version version;
  std::string raw_version;  // as written
  std::optional<BuildTag> build;
  std::string python;  // the compressed sets, as written
  std::string abi;
  std::string platform;
  std::vector<Tag> tags;  // expanded, sorted, without duplicates

  // `file_name` without any directory. Throws Error(bad_input); Error(unsupported) for a name that is a
  // wheel's but for a variant label at its end (PEP 825).
  static WheelFilename parse(std::string_view file_name);
  static std::optional<WheelFilename> try_parse(std::string_view file_name);
};

struct SdistFilename {
  std::string name;  // normalized
  Version version;

  // ".tar.gz" and ".zip". Throws Error(bad_input).
  static SdistFilename parse(std::string_view file_name);
  static std::optional<SdistFilename> try_parse(std::string_view file_name);
};

// The index of the wheel to take: the best (lowest) rank of any of its tags, then the highest build tag, then
// the first by file name. Names that are no wheel's, and wheels that do not fit, are passed over; nullopt
// when none is left. Names of several distributions or versions are not told apart: the caller gives those of
// one.
std::optional<std::size_t> select_wheel(std::span<const std::string> file_names, const TagSet& tags);

}  // namespace axle
