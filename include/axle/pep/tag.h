#pragma once
// Compatibility tags and the lists of them that a target accepts. spec: PEP 425, 600 (manylinux), 656
// (musllinux), 703 and 803 (free threading), "Platform compatibility tags" of the packaging guide; the order
// is that of packaging 26.3.

#include <compare>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace axle {

// One tag, in lower case.
struct Tag {
  std::string interpreter;
  std::string abi;
  std::string platform;

  std::string str() const;  // "cp312-abi3-any"
  friend auto operator<=>(const Tag&, const Tag&) = default;
};

// More tags than any real wheel has; a set that would expand to more is refused.
inline constexpr std::size_t max_tags_of_wheel = 20'000;

// Expands "py2.py3-none-any": sorted, without duplicates. Throws Error(bad_input) for a wrong number of
// parts, an empty component, an interpreter that is no identifier, or more than max_tags_of_wheel tags.
std::vector<Tag> parse_tag(std::string_view text);

// A Python to choose wheels for.
struct TagTarget {
  std::string python = "3.12";  // "3.12" or "3.12.4"
  // The best platform tag: "manylinux_2_28_x86_64", "musllinux_1_2_aarch64", "macosx_14_0_arm64",
  // "win_amd64".
  std::string platform = {};
  std::string implementation = "cp";  // "cp", "pp", "graalpy", ... or a long name ("cpython")
  // nullopt: the interpreter's own ("cp312", "cp313t", "pypy311_pp73").
  std::optional<std::string> abi = std::nullopt;
  bool free_threaded = false;
};

// The platform tags that a platform accepts, best first: older manylinux with their legacy names, older
// macOS, ... Throws Error(bad_input) for a tag whose numbers make no sense.
std::vector<std::string> compatible_platforms(std::string_view platform);

// Every tag that the target accepts, best first. A tag stands twice only where "any" is the platform.
// Throws Error(bad_input) for a python that is no version, a platform as above, or more tags than real
// targets have.
std::vector<Tag> compatible_tags(const TagTarget& target);

// The tags of a target with their ranks (0 is best). Immutable; thread-safe.
class TagSet {
 public:
  explicit TagSet(std::span<const Tag> best_first);
  explicit TagSet(const TagTarget& target);

  std::size_t size() const noexcept { return ranks_.size(); }
  // Constant time; nullopt when the target does not accept it.
  std::optional<std::size_t> rank(const Tag& tag) const;
  std::optional<std::size_t> best_rank(std::span<const Tag> tags) const;
  // The best rank of a compressed set, given by its three parts, without expanding it in memory.
  std::optional<std::size_t> best_rank(std::string_view python, std::string_view abi,
                                       std::string_view platform) const;

 private:
  std::unordered_map<std::string, std::size_t> ranks_;  // by Tag::str()
};

}  // namespace axle
