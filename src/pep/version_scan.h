#pragma once
// The grammar of versions, once for versions and once for specifiers.

#include <cstddef>
#include <optional>
#include <string_view>

namespace axle {

// The pieces of a version as they stand in the text. A missing piece has a null data().
struct VersionScan {
  std::string_view epoch;        // digits
  std::string_view release;      // "1.2.3"
  std::string_view pre_letter;   // "alpha", "RC", ...
  std::string_view pre_number;   // digits, maybe empty
  std::string_view post_letter;  // "post", "r", ..., or "-" for "1.0-1"
  std::string_view post_number;
  std::string_view dev_letter;
  std::string_view dev_number;
  std::string_view local;       // without "+"
  std::size_t release_end = 0;  // the length up to each of these points
  std::size_t public_end = 0;
  std::size_t end = 0;
};

// The longest version at the front of the text, nullopt when there is none.
// spec: PEP 440 "Appendix B: Parsing version strings with regular expressions".
std::optional<VersionScan> scan_version(std::string_view text) noexcept;

}  // namespace axle
