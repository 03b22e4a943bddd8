#include "store/simple_index_tags.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "base/text.h"

namespace axle {
namespace {

// Elements whose content is text up to their own end tag.
bool is_raw_text(std::string_view name) {
  constexpr std::array<std::string_view, 8> names{"script", "style",  "textarea", "title",
                                                  "xmp",    "iframe", "noembed",  "noframes"};
  return std::find(names.begin(), names.end(), name) != names.end();
}

void append_utf8(std::string& to, std::uint32_t code) {
  if (code == 0 || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) code = 0xFFFD;
  const auto byte = [&](std::uint32_t value) { to += static_cast<char>(static_cast<unsigned char>(value)); };
  if (code < 0x80) {
    byte(code);
  } else if (code < 0x800) {
    byte(0xC0 | (code >> 6));
    byte(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    byte(0xE0 | (code >> 12));
    byte(0x80 | ((code >> 6) & 0x3F));
    byte(0x80 | (code & 0x3F));
  } else {
    byte(0xF0 | (code >> 18));
    byte(0x80 | ((code >> 12) & 0x3F));
    byte(0x80 | ((code >> 6) & 0x3F));
    byte(0x80 | (code & 0x3F));
  }
}

// What is read after '&', and how many characters that took; 0 when this is no reference.
std::size_t read_numeric(std::string_view text, std::string& to) {
  std::size_t at = 1;
  const bool hexadecimal = at < text.size() && to_lower(text[at]) == 'x';
  if (hexadecimal) ++at;
  const std::size_t first = at;
  std::uint32_t code = 0;
  for (; at < text.size(); ++at) {
    const char c = to_lower(text[at]);
    std::uint32_t digit = 0;
    if (is_digit(c)) {
      digit = static_cast<std::uint32_t>(c - '0');
    } else if (hexadecimal && c >= 'a' && c <= 'f') {
      digit = static_cast<std::uint32_t>(c - 'a') + 10;
    } else {
      break;
    }
    code = std::min<std::uint32_t>(code * (hexadecimal ? 16 : 10) + digit, 0x110000);
  }
  if (at == first) return 0;
  append_utf8(to, code);
  return at + (at < text.size() && text[at] == ';' ? 1 : 0);
}

std::size_t read_named(std::string_view text, std::string& to) {
  struct Row {
    std::string_view name;
    char character;
    bool needs_semicolon;
  };
  constexpr std::array<Row, 5> rows{{{"amp", '&', false},
                                     {"lt", '<', false},
                                     {"gt", '>', false},
                                     {"quot", '"', false},
                                     {"apos", '\'', true}}};
  for (const Row& row : rows) {
    if (!text.starts_with(row.name)) continue;
    const std::size_t end = row.name.size();
    const char after = end < text.size() ? text[end] : '\0';
    // spec: §13.2.5.73: without its semicolon, "&lt=1" in an attribute is no reference.
    if (after != ';' && (row.needs_semicolon || after == '=' || is_alnum(after))) continue;
    to += row.character;
    return end + (after == ';' ? 1 : 0);
  }
  return 0;
}

}  // namespace

std::string decode_html_references(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  while (!text.empty()) {
    const std::size_t ampersand = std::min(text.find('&'), text.size());
    decoded += text.substr(0, ampersand);
    text.remove_prefix(ampersand);
    if (text.empty()) break;
    text.remove_prefix(1);
    const std::size_t used =
        !text.empty() && text[0] == '#' ? read_numeric(text, decoded) : read_named(text, decoded);
    if (used == 0) decoded += '&';
    text.remove_prefix(used);
  }
  return decoded;
}

const std::string* HtmlTag::find(std::string_view attribute) const noexcept {
  for (const HtmlAttribute& each : attributes) {
    if (each.name == attribute) return &each.value;
  }
  return nullptr;
}

void HtmlTagReader::skip_past(std::string_view mark) {
  const std::size_t found = text_.find(mark, at_);
  cut_ = found == std::string_view::npos;
  at_ = cut_ ? text_.size() : found + mark.size();
}

// After "<!--". spec: "-->" and "--!>" end a comment; so do ">" and "->" at its beginning.
void HtmlTagReader::skip_comment() {
  const std::string_view rest = text_.substr(at_);
  if (rest.starts_with(">")) {
    at_ += 1;
  } else if (rest.starts_with("->")) {
    at_ += 2;
  } else {
    for (;;) {
      skip_past("--");
      if (cut_) return;
      while (!at_end() && text_[at_] == '-') ++at_;
      const std::string_view after = text_.substr(at_);
      if (!after.starts_with(">") && !after.starts_with("!>")) continue;
      at_ += after.starts_with(">") ? 1 : 2;
      return;
    }
  }
}

void HtmlTagReader::skip_raw_text(std::string_view element) {
  for (;;) {
    skip_past("</");
    if (cut_) return;
    const std::string_view rest = text_.substr(at_);
    if (rest.size() <= element.size() || !ascii_iequal(rest.substr(0, element.size()), element)) continue;
    const char after = rest[element.size()];
    if (after != '>' && after != '/' && !is_space(after)) continue;
    at_ -= 2;  // the end tag is read as any other
    return;
  }
}

void HtmlTagReader::skip_space() noexcept {
  while (!at_end() && is_space(text_[at_])) ++at_;
}

void HtmlTagReader::read_attribute(HtmlTag& tag) {
  const std::size_t first = at_;
  ++at_;  // a leading '=' belongs to the name
  while (!at_end() && !is_space(text_[at_]) &&
         std::string_view("/>=").find(text_[at_]) == std::string_view::npos) {
    ++at_;
  }
  HtmlAttribute attribute{ascii_lower(text_.substr(first, at_ - first)), {}};
  skip_space();
  if (at_end() || text_[at_] != '=') {
    tag.attributes.push_back(std::move(attribute));
    return;
  }
  ++at_;
  skip_space();
  if (at_end()) return;
  const char quote = text_[at_];
  std::string_view value;
  if (quote == '"' || quote == '\'') {
    const std::size_t begin = ++at_;
    skip_past(std::string_view(&quote, 1));
    if (cut_) return;
    value = text_.substr(begin, at_ - 1 - begin);
  } else {
    const std::size_t begin = at_;
    while (!at_end() && !is_space(text_[at_]) && text_[at_] != '>') ++at_;
    value = text_.substr(begin, at_ - begin);
  }
  attribute.value = decode_html_references(value);
  tag.attributes.push_back(std::move(attribute));
}

// At the first letter of the name of a start or end tag. nullopt when the text ends before the tag does.
std::optional<HtmlTag> HtmlTagReader::read_tag() {
  HtmlTag tag;
  const std::size_t first = at_;
  while (!at_end() && !is_space(text_[at_]) && text_[at_] != '/' && text_[at_] != '>') ++at_;
  tag.name = ascii_lower(text_.substr(first, at_ - first));
  for (;;) {
    while (!at_end() && (is_space(text_[at_]) || text_[at_] == '/')) ++at_;
    if (at_end()) {
      cut_ = true;
      return std::nullopt;
    }
    if (text_[at_] == '>') {
      ++at_;
      return tag;
    }
    read_attribute(tag);
  }
}

std::optional<HtmlTag> HtmlTagReader::next() {
  for (;;) {
    const std::size_t open = text_.find('<', at_);
    if (open == std::string_view::npos || cut_) {
      at_ = text_.size();
      return std::nullopt;
    }
    at_ = open + 1;
    const std::string_view rest = text_.substr(at_);
    if (rest.starts_with("!--")) {
      at_ += 3;
      skip_comment();
    } else if (rest.starts_with('!') || rest.starts_with('?')) {
      skip_past(">");
    } else if (rest.starts_with('/')) {
      ++at_;
      if (rest.size() > 1 && is_alpha(rest[1])) {
        read_tag();
      } else {
        skip_past(">");
      }
    } else if (!rest.empty() && is_alpha(rest[0])) {
      auto tag = read_tag();
      if (tag && tag->name == "plaintext") at_ = text_.size();
      if (tag && is_raw_text(tag->name)) skip_raw_text(tag->name);
      if (tag) return tag;
    }
  }
}

}  // namespace axle
