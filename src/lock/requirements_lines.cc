#include "lock/requirements_lines.h"

#include "base/text.h"

namespace axle::lockfile {
namespace {

void append_utf8(std::string& text, std::uint32_t code) {
  const auto put = [&](std::uint32_t byte) { text += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | (code >> 6));
    put(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    put(0xe0 | (code >> 12));
    put(0x80 | ((code >> 6) & 0x3f));
    put(0x80 | (code & 0x3f));
  } else {
    put(0xf0 | (code >> 18));
    put(0x80 | ((code >> 12) & 0x3f));
    put(0x80 | ((code >> 6) & 0x3f));
    put(0x80 | (code & 0x3f));
  }
}

std::optional<std::string> decode_utf16(std::string_view bytes, std::size_t high) {
  if (bytes.size() % 2 != 0) return std::nullopt;
  const auto unit = [&](std::size_t at) {
    const auto byte = [&](std::size_t i) {
      return static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i]));
    };
    return (byte(at + high) << 8) | byte(at + 1 - high);
  };
  std::string text;
  for (std::size_t at = 0; at < bytes.size(); at += 2) {
    std::uint32_t code = unit(at);
    if (code >= 0xd800 && code < 0xe000) {
      if (code >= 0xdc00 || at + 3 >= bytes.size()) return std::nullopt;
      const std::uint32_t low = unit(at + 2);
      if (low < 0xdc00 || low >= 0xe000) return std::nullopt;
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
      at += 2;
    }
    append_utf8(text, code);
  }
  return text;
}

// Physical lines: LF, CRLF and CR all end one.
std::vector<std::string_view> physical_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  std::size_t start = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '\n' && text[at] != '\r') continue;
    lines.push_back(text.substr(start, at - start));
    if (text[at] == '\r' && at + 1 < text.size() && text[at + 1] == '\n') ++at;
    start = at + 1;
  }
  if (start < text.size()) lines.push_back(text.substr(start));
  return lines;
}

void strip_comment(std::string& text) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '#' && (at == 0 || is_space(text[at - 1]))) {
      text.resize(at);
      return;
    }
  }
}

bool is_variable_char(char c) { return (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_'; }

LogicalLine expand(LogicalLine line, const std::map<std::string, std::string>& variables) {
  if (line.text.find("${") == std::string::npos) return line;
  LogicalLine result;
  result.names_variables = true;
  std::size_t point = 0;
  std::size_t at = 0;
  while (at < line.text.size()) {
    while (point < line.points.size() && line.points[point].offset <= at) {
      result.points.push_back(line.points[point++]);
      result.points.back().offset = result.text.size();
    }
    if (line.text.compare(at, 2, "${") == 0) {
      std::size_t end = at + 2;
      while (end < line.text.size() && is_variable_char(line.text[end])) ++end;
      const auto found = variables.find(line.text.substr(at + 2, end - at - 2));
      if (end < line.text.size() && line.text[end] == '}' && found != variables.end()) {
        result.text += found->second;
        at = end + 1;
        const LockPlace after = line.place(0, at);
        result.points.push_back({result.text.size(), after.line, after.column});
        continue;
      }
    }
    result.text += line.text[at++];
  }
  return result;
}

}  // namespace

std::optional<std::string> decode_text(std::string_view bytes) {
  if (bytes.starts_with("\xef\xbb\xbf")) bytes.remove_prefix(3);
  if (bytes.starts_with("\xff\xfe")) return decode_utf16(bytes.substr(2), 1);
  if (bytes.starts_with("\xfe\xff")) return decode_utf16(bytes.substr(2), 0);
  if (!is_utf8(bytes) || bytes.find('\0') != std::string_view::npos) return std::nullopt;
  return std::string(bytes);
}

LockPlace LogicalLine::place(std::uint32_t file, std::size_t offset) const {
  LockPlace where{file, 0, 0};
  for (const Point& point : points) {
    if (point.offset > offset) break;
    where.line = point.line;
    where.column = point.column + static_cast<std::uint32_t>(offset - point.offset);
  }
  return where;
}

std::vector<LogicalLine> logical_lines(std::string_view text,
                                       const std::map<std::string, std::string>& variables) {
  std::vector<LogicalLine> lines;
  LogicalLine current;
  const auto finish = [&] {
    strip_comment(current.text);
    if (!trim(current.text).empty()) lines.push_back(expand(std::move(current), variables));
    current = {};
  };
  std::uint32_t number = 0;
  for (std::string_view line : physical_lines(text)) {
    ++number;
    const bool comment = trim(line).starts_with('#');
    // A comment ends a continued line, and does not grow onto the word before it.
    if (comment && !current.text.empty()) current.text += ' ';
    current.points.push_back({current.text.size(), number, 1});
    const bool continued = !comment && line.ends_with('\\');
    if (continued) line.remove_suffix(1);
    current.text += line;
    if (!continued) finish();
  }
  finish();
  return lines;
}

std::vector<Word> split_words(std::string_view text, std::size_t offset) {
  std::vector<Word> words;
  std::size_t at = 0;
  while (true) {
    while (at < text.size() && is_space(text[at])) ++at;
    if (at == text.size()) return words;
    Word word;
    word.offset = offset + at;
    char quote = '\0';
    for (; at < text.size() && (quote != '\0' || !is_space(text[at])); ++at) {
      const char c = text[at];
      if (quote != '\0' && c == quote) {
        quote = '\0';
      } else if (quote == '\0' && (c == '"' || c == '\'')) {
        quote = c;
      } else if (c == '\\' && quote != '\'' && at + 1 < text.size()) {
        word.text += text[++at];
      } else {
        word.text += c;
      }
    }
    words.push_back(std::move(word));
  }
}

std::size_t options_start(std::string_view text) {
  for (std::size_t at = 1; at < text.size(); ++at) {
    if (text[at] == '-' && is_space(text[at - 1])) return at;
  }
  return text.size();
}

std::string without_detours(const std::string& path) {
  std::vector<std::string_view> parts;
  for (const std::string_view part : split(path, '/')) {
    if (part == ".." && !parts.empty() && parts.back() != "..") {
      parts.pop_back();
    } else if (part != "." && !part.empty()) {
      parts.push_back(part);
    }
  }
  std::string result = path.starts_with('/') ? "/" : "";
  for (const std::string_view part : parts) result += std::string(part) + "/";
  return result;
}

}  // namespace axle::lockfile
