#include "pep/cursor.h"

#include <axle/base/error.h>

#include "base/text.h"

namespace axle {
namespace {

// Bytes beyond ASCII count as letters: no token may touch them in any case.
bool is_word(char c) noexcept { return is_alnum(c) || c == '_' || static_cast<unsigned char>(c) >= 0x80; }

void append_utf8(std::string& out, unsigned code) {
  const auto put = [&](unsigned byte) { out += static_cast<char>(static_cast<unsigned char>(byte)); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | (code >> 6));
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | (code >> 12));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | (code >> 18));
    put(0x80 | ((code >> 12) & 0x3F));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

int digit_value(char c) noexcept {
  if (is_digit(c)) return c - '0';
  const char lower = to_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : 16;
}

// Exactly `count` hexadecimal digits at `position`.
std::optional<unsigned> take_hex(std::string_view text, std::size_t& position, std::size_t count) noexcept {
  if (text.size() - position < count) return std::nullopt;
  unsigned value = 0;
  for (; count > 0; --count) {
    const int digit = digit_value(text[position++]);
    if (digit > 15) return std::nullopt;
    value = value * 16 + static_cast<unsigned>(digit);
  }
  return value;
}

// One to three octal digits.
unsigned take_octal(std::string_view text, std::size_t& position) noexcept {
  unsigned value = 0;
  for (int i = 0; i < 3 && position < text.size() && text[position] >= '0' && text[position] <= '7'; ++i) {
    value = value * 8 + static_cast<unsigned>(text[position++] - '0');
  }
  return value;
}

// The character of a one-letter escape, '\0' for none.
char simple_escape(char c) noexcept {
  switch (c) {
    case '\\':
    case '\'':
    case '"':
      return c;
    case 'a':
      return '\a';
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'v':
      return '\v';
    default:
      return '\0';
  }
}

}  // namespace

std::string_view Cursor::take(std::size_t length) noexcept {
  const std::string_view taken = text_.substr(position_, length);
  position_ += taken.size();
  return taken;
}

bool Cursor::take_if(std::string_view token) noexcept {
  if (!rest().starts_with(token)) return false;
  take(token.size());
  return true;
}

bool Cursor::take_word(std::string_view word) noexcept {
  const std::string_view text = rest();
  if (!text.starts_with(word) || (text.size() > word.size() && is_word(text[word.size()]))) return false;
  take(word.size());
  return true;
}

bool Cursor::skip_blanks() noexcept {
  const std::size_t begin = position_;
  while (peek() == ' ' || peek() == '\t') ++position_;
  return position_ != begin;
}

std::optional<std::string_view> Cursor::take_identifier() noexcept {
  const std::string_view text = rest();
  if (text.empty() || !is_alnum(text.front())) return std::nullopt;
  std::size_t end = 1;
  while (end < text.size() &&
         (is_alnum(text[end]) || text[end] == '.' || text[end] == '_' || text[end] == '-')) {
    ++end;
  }
  if (end < text.size() && static_cast<unsigned char>(text[end]) >= 0x80) return std::nullopt;
  while (text[end - 1] == '.' || text[end - 1] == '-') --end;
  return take(end);
}

void Cursor::fail(std::string_view message) const {
  throw Error(ErrorCode::bad_input, "invalid " + std::string(what_) + " " + quoted(text_) + ", column " +
                                        std::to_string(position_ + 1) + ": " + std::string(message));
}

std::optional<std::string> unescape_python(std::string_view literal) {
  std::string out;
  out.reserve(literal.size());
  for (std::size_t i = 0; i < literal.size();) {
    const char c = literal[i++];
    // A line end ends a literal, unless a backslash stands before it.
    if (c == '\n' || c == '\r' || c == '\0') return std::nullopt;
    if (c != '\\') {
      out += c;
      continue;
    }
    if (i == literal.size()) return std::nullopt;
    const char escape = literal[i];
    if (const char simple = simple_escape(escape)) {
      out += simple;
      ++i;
    } else if (escape == '\n') {
      ++i;
    } else if (escape == '\r') {
      i += literal.substr(i).starts_with("\r\n") ? 2 : 1;
    } else if (escape >= '0' && escape <= '7') {
      append_utf8(out, take_octal(literal, i));
    } else if (escape == 'x' || escape == 'u' || escape == 'U') {
      ++i;
      const auto code = take_hex(literal, i, escape == 'x' ? 2 : escape == 'u' ? 4 : 8);
      if (!code || *code > 0x10FFFF || (*code >= 0xD800 && *code <= 0xDFFF)) return std::nullopt;
      append_utf8(out, *code);
    } else if (escape == 'N' || escape == '\0') {
      return std::nullopt;
    } else {
      out += '\\';  // not an escape: both characters stay, the second is read by the next round
    }
  }
  return out;
}

}  // namespace axle
