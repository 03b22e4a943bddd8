#include "pep/scan.h"

#include <algorithm>

#include "base/text.h"

namespace axle {
namespace {

// The white space beyond ASCII, by bytes: U+0085, U+00A0, U+1680, U+2000..U+200A, U+2028, U+2029, U+202F,
// U+205F, U+3000.
bool is_wide_space(std::string_view c) noexcept {
  if (c.size() == 2) return c == "\xC2\x85" || c == "\xC2\xA0";
  if (c.size() != 3) return false;
  if (c.starts_with("\xE2\x80")) {
    const auto last = static_cast<unsigned char>(c[2]);
    return last <= 0x8A || last == 0xA8 || last == 0xA9 || last == 0xAF;
  }
  return c == "\xE1\x9A\x80" || c == "\xE2\x81\x9F" || c == "\xE3\x80\x80";
}

// str.isspace() also counts the four separators U+001C..U+001F.
bool is_narrow_space(char c) noexcept { return is_space(c) || (c >= '\x1c' && c <= '\x1f'); }

}  // namespace

std::size_t space_at_front(std::string_view text) noexcept {
  if (text.empty()) return 0;
  if (is_narrow_space(text.front())) return 1;
  for (std::size_t length = 2; length <= 3; ++length) {
    if (is_wide_space(text.substr(0, length))) return length;
  }
  return 0;
}

std::size_t space_at_back(std::string_view text) noexcept {
  if (text.empty()) return 0;
  if (is_narrow_space(text.back())) return 1;
  for (std::size_t length = 2; length <= 3 && length <= text.size(); ++length) {
    if (is_wide_space(text.substr(text.size() - length))) return length;
  }
  return 0;
}

std::size_t count_spaces(std::string_view text) noexcept {
  std::size_t count = 0;
  while (const std::size_t length = space_at_front(text.substr(count))) count += length;
  return count;
}

std::string_view strip_spaces(std::string_view text) noexcept {
  text.remove_prefix(count_spaces(text));
  while (const std::size_t length = space_at_back(text)) text.remove_suffix(length);
  return text;
}

std::string_view digits_at_front(std::string_view text) noexcept {
  const auto end = std::find_if_not(text.begin(), text.end(), is_digit);
  return text.substr(0, static_cast<std::size_t>(end - text.begin()));
}

}  // namespace axle
