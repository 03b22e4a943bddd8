#pragma once
// What the parsers of this room share: the check of a text as a whole, and "1.0" in its headers.

#include <optional>
#include <string_view>

namespace axle {

// Throws Error(bad_input) with `name` and line for text that is not UTF-8 or holds a NUL.
void check_text(std::string_view text, std::string_view name);

struct HeaderVersion {
  unsigned major = 0;  // numbers past a million are a million
  unsigned minor = 0;
};
// "1", "1.0", "1.0.3": digits and dots only; white space around is fine.
std::optional<HeaderVersion> parse_header_version(std::string_view text) noexcept;

}  // namespace axle
