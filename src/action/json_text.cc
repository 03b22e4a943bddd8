#include "action/json_text.h"

#include "base/text.h"

namespace axle {
namespace {

// The length of the well-formed UTF-8 sequence at the begin of `text`, 0 when there is none.
std::size_t sequence_length(std::string_view text) {
  const auto first = static_cast<unsigned char>(text.front());
  const std::size_t length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  return text.size() >= length && is_utf8(text.substr(0, length)) ? length : 0;
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
  put_string(name);
  out_ += ':';
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
  out_ += std::to_string(value);
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
  constexpr char digits[] = "0123456789abcdef";
  out_ += '"';
  while (!value.empty()) {
    std::size_t plain = 0;
    while (plain < value.size() && value[plain] >= 0x20 && value[plain] < 0x7F && value[plain] != '"' &&
           value[plain] != '\\') {
      ++plain;
    }
    out_ += value.substr(0, plain);
    value.remove_prefix(plain);
    if (value.empty()) break;
    const char c = value.front();
    if (c == '"' || c == '\\') {
      out_ += '\\';
      out_ += c;
    } else if (c == '\n') {
      out_ += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      out_ += "\\u00";
      out_ += digits[static_cast<unsigned char>(c) >> 4];
      out_ += digits[static_cast<unsigned char>(c) & 15];
    } else if (const std::size_t length = sequence_length(value); length > 1) {
      out_ += value.substr(0, length);
      value.remove_prefix(length - 1);
    } else {
      out_ += "\xEF\xBF\xBD";
    }
    value.remove_prefix(1);
  }
  out_ += '"';
}

}  // namespace axle
