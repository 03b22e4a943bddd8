#include "wheel/lines.h"

#include <array>
#include <cstdint>

#include "base/text.h"

namespace axle {
namespace {

// The length of the line end at the front of `text`, 0 when there is none.
std::size_t line_end(std::string_view text, LineEnds ends) noexcept {
  switch (text.front()) {
    case '\n':
      return 1;
    case '\r':
      return text.size() > 1 && text[1] == '\n' ? 2 : 1;
    case '\v':
    case '\f':
    case '\x1c':
    case '\x1d':
    case '\x1e':
      return ends == LineEnds::unicode ? 1 : 0;
    case '\xC2':
      return ends == LineEnds::unicode && text.starts_with("\xC2\x85") ? 2 : 0;
    case '\xE2':
      return ends == LineEnds::unicode &&
                     (text.starts_with("\xE2\x80\xA8") || text.starts_with("\xE2\x80\xA9"))
                 ? 3
                 : 0;
    default:
      return 0;
  }
}

bool is_ascii_space(char c) noexcept { return is_space(c) || (c >= '\x1c' && c <= '\x1f'); }

// spec: Unicode White_Space and bidirectional WS, B, S beyond ASCII, as str.isspace has it.
constexpr std::array<std::string_view, 19> wide_spaces{
    "\xC2\x85",     "\xC2\xA0",     "\xE1\x9A\x80", "\xE2\x80\x80", "\xE2\x80\x81",
    "\xE2\x80\x82", "\xE2\x80\x83", "\xE2\x80\x84", "\xE2\x80\x85", "\xE2\x80\x86",
    "\xE2\x80\x87", "\xE2\x80\x88", "\xE2\x80\x89", "\xE2\x80\x8A", "\xE2\x80\xA8",
    "\xE2\x80\xA9", "\xE2\x80\xAF", "\xE2\x81\x9F", "\xE3\x80\x80"};

struct Range {
  std::uint32_t first, last;
};
// Blocks whose characters are no letters, marks or digits (a few letter-like ones in them are lost).
constexpr std::array<Range, 12> not_word{{{0x80, 0xA9},
                                          {0xAB, 0xB1},
                                          {0xB4, 0xB4},
                                          {0xB6, 0xB8},
                                          {0xBB, 0xBB},
                                          {0xBF, 0xBF},
                                          {0x2000, 0x206F},
                                          {0x2190, 0x245F},
                                          {0x2500, 0x2BFF},
                                          {0x3000, 0x3004},
                                          {0xE000, 0xF8FF},
                                          {0xFFF0, 0xFFFF}}};

// The code point at the front of well-formed UTF-8, and its length.
std::uint32_t decode(std::string_view text, std::size_t& length) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (length > text.size()) length = text.size();
  std::uint32_t code = lead < 0x80   ? lead
                       : lead < 0xE0 ? lead & 0x1F
                       : lead < 0xF0 ? lead & 0x0F
                                     : lead & 0x07;
  for (std::size_t i = 1; i < length; ++i) code = (code << 6) | (byte(i) & 0x3F);
  return code;
}

}  // namespace

bool LineReader::next(std::string_view& line) noexcept {
  if (rest_.empty()) return false;
  ++number_;
  for (std::size_t i = 0; i < rest_.size(); ++i) {
    const std::size_t length = line_end(rest_.substr(i), ends_);
    if (length != 0) {
      line = rest_.substr(0, i);
      rest_.remove_prefix(i + length);
      return true;
    }
  }
  line = rest_;
  rest_ = {};
  return true;
}

std::size_t leading_space(std::string_view text) noexcept {
  if (text.empty()) return 0;
  if (is_ascii_space(text.front())) return 1;
  if (static_cast<unsigned char>(text.front()) < 0x80) return 0;
  for (const auto space : wide_spaces) {
    if (text.starts_with(space)) return space.size();
  }
  return 0;
}

std::size_t trailing_space(std::string_view text) noexcept {
  if (text.empty()) return 0;
  if (is_ascii_space(text.back())) return 1;
  if (static_cast<unsigned char>(text.back()) < 0x80) return 0;
  for (const auto space : wide_spaces) {
    if (text.ends_with(space)) return space.size();
  }
  return 0;
}

std::string_view rstrip_unicode(std::string_view text) noexcept {
  while (const std::size_t length = trailing_space(text)) text.remove_suffix(length);
  return text;
}

std::string_view strip_unicode(std::string_view text) noexcept {
  while (const std::size_t length = leading_space(text)) text.remove_prefix(length);
  return rstrip_unicode(text);
}

bool is_word(std::string_view text) noexcept {
  if (text.empty()) return false;
  while (!text.empty()) {
    std::size_t length = 1;
    const std::uint32_t code = decode(text, length);
    if (code < 0x80) {
      if (!is_alnum(text.front()) && text.front() != '_') return false;
    } else {
      if (leading_space(text) != 0) return false;
      for (const Range& range : not_word) {
        if (code >= range.first && code <= range.last) return false;
      }
    }
    text.remove_prefix(length);
  }
  return true;
}

bool is_identifier(std::string_view text) noexcept { return is_word(text) && !is_digit(text.front()); }

}  // namespace axle
