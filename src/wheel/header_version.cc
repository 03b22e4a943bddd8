#include "wheel/header_version.h"

#include <algorithm>
#include <string>

#include "axle/base/error.h"
#include "base/text.h"

namespace axle {

void check_text(std::string_view text, std::string_view name) {
  const bool utf8 = is_utf8(text);
  if (utf8 && text.find('\0') == std::string_view::npos) return;
  std::size_t number = 1;
  for (const auto line : split(text, '\n')) {
    const bool bad = utf8 ? line.find('\0') != std::string_view::npos : !is_utf8(line);
    if (bad) break;
    ++number;
  }
  throw Error(ErrorCode::bad_input, Place{std::string(name), number, 0},
              utf8 ? "contains a NUL character" : "is not valid UTF-8");
}

std::optional<HeaderVersion> parse_header_version(std::string_view text) noexcept {
  text = trim(text);
  HeaderVersion version;
  unsigned* part = &version.major;
  unsigned ignored = 0;
  bool digits = false;
  for (const char c : text) {
    if (is_digit(c)) {
      *part = std::min(*part * 10 + static_cast<unsigned>(c - '0'), 1'000'000U);
      digits = true;
    } else if (c == '.' && digits) {
      part = part == &version.major ? &version.minor : &ignored;
      ignored = 0;
      digits = false;
    } else {
      return std::nullopt;
    }
  }
  if (!digits) return std::nullopt;
  return version;
}

}  // namespace axle
