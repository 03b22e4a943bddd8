#include "action/json_text.h"

#include <array>
#include <charconv>

#include "base/text.h"

namespace axle {
namespace {

// The length of the well-formed UTF-8 sequence at the begin of `text`, 0 when there is none.
std::size_t sequence_length(std::string_view text) {
  const auto first = static_cast<unsigned char>(text.front());
  const std::size_t length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  return text.size() >= length && is_utf8(text.substr(0, length)) ? length : 0;
}

bool is_plain(char c) noexcept {
  return static_cast<signed char>(c) >= 0x20 && c != 0x7F && c != '"' && c != '\\';
}

}  // namespace

void JsonText::separate() {
  if (wants_comma_) out_ += ',';
  if (wants_line_) out_ += '\n';
  wants_comma_ = true;
  wants_line_ = false;
}

JsonText& JsonText::open(char bracket) {
  separate();
  out_ += bracket;
  wants_comma_ = false;
  return *this;
}

JsonText& JsonText::close(char bracket) {
  if (wants_line_) out_ += '\n';
  wants_line_ = false;
  out_ += bracket;
  wants_comma_ = true;
  return *this;
}

JsonText& JsonText::key(std::string_view name) {
  separate();
  out_ += '"';
  out_ += name;
  out_ += "\":";
  wants_comma_ = false;
  return *this;
}

JsonText& JsonText::text(std::string_view value) {
  separate();
  put_string(value);
  return *this;
}

JsonText& JsonText::number(std::uint64_t value) {
  separate();
  std::array<char, 20> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value);
  out_.append(text.data(), end.ptr);
  return *this;
}

JsonText& JsonText::signed_number(std::int64_t value) {
  separate();
  out_ += std::to_string(value);
  return *this;
}

JsonText& JsonText::boolean(bool value) {
  separate();
  out_ += value ? "true" : "false";
  return *this;
}

JsonText& JsonText::null() {
  separate();
  out_ += "null";
  return *this;
}

void JsonText::put_string(std::string_view value) {
  out_ += '"';
  while (true) {
    std::size_t plain = 0;
    while (plain < value.size() && is_plain(value[plain])) ++plain;
    out_.append(value, 0, plain);
    value.remove_prefix(plain);
    if (value.empty()) break;
    value.remove_prefix(put_escaped(value));
  }
  out_ += '"';
}

std::size_t JsonText::put_escaped(std::string_view value) {
  constexpr char digits[] = "0123456789abcdef";
  const char c = value.front();
  const auto byte = static_cast<unsigned char>(c);
  if (c == '"' || c == '\\') {
    out_ += {'\\', c};
  } else if (c == '\n') {
    out_ += "\\n";
  } else if (byte < 0x80) {
    out_ += {'\\', 'u', '0', '0', digits[byte >> 4], digits[byte & 15]};
  } else if (const std::size_t length = sequence_length(value); length > 1) {
    out_.append(value, 0, length);
    return length;
  } else {
    out_ += "\xEF\xBF\xBD";
  }
  return 1;
}

}  // namespace axle
