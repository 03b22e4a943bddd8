#include "axle/wheel/record.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "axle/base/error.h"
#include "axle/base/rel_path.h"
#include "base/text.h"
#include "wheel/header_version.h"

namespace axle {
namespace {

// Twice what an archive may hold; rows cost more memory than their text.
constexpr std::size_t max_rows = 500'000;

[[noreturn]] void fail(std::string_view name, std::size_t line, std::string message) {
  throw Error(ErrorCode::bad_input, Place{std::string(name), line, 0}, std::move(message));
}

bool is_separator(char c) noexcept { return c == '/' || c == '\\'; }

}  // namespace

RecordReader::RecordReader(std::string_view text, std::string_view name) : rest_(text), name_(name) {
  check_text(text, name);
}

// Rows of CSV, as Python's csv.reader reads them with its default dialect, but for an open quote at the end,
// which it lets pass.
bool RecordReader::take_line_end() noexcept {
  if (rest_.empty() || (rest_.front() != '\n' && rest_.front() != '\r')) return false;
  rest_.remove_prefix(rest_.starts_with("\r\n") ? 2 : 1);
  ++line_;
  return true;
}

void RecordReader::read_field(std::string& field) {
  field.clear();
  if (rest_.starts_with('"')) read_quoted(field);
  // A quote inside an unquoted field, and text after a closing quote, stand for themselves.
  std::size_t end = 0;
  while (end < rest_.size() && rest_[end] != ',' && rest_[end] != '\n' && rest_[end] != '\r') ++end;
  field.append(rest_, 0, end);
  rest_.remove_prefix(end);
}

void RecordReader::read_quoted(std::string& field) {
  const std::size_t began = line_;
  rest_.remove_prefix(1);
  while (true) {
    const std::size_t quote = rest_.find('"');
    if (quote == std::string_view::npos) fail(name_, began, "has a quoted field that does not end");
    const auto piece = rest_.substr(0, quote);
    line_ += static_cast<std::size_t>(std::count(piece.begin(), piece.end(), '\n'));
    field += piece;
    rest_.remove_prefix(quote + 1);
    if (!rest_.starts_with('"')) return;
    field += '"';
    rest_.remove_prefix(1);
  }
}

// How many the next row has; up to three are kept. A blank line has none.
std::size_t RecordReader::read_fields() {
  if (take_line_end()) return 0;
  std::string spare;
  for (std::size_t count = 0;;) {
    read_field(count < fields_.size() ? fields_[count] : spare);
    ++count;
    if (rest_.empty() || take_line_end()) return count;
    rest_.remove_prefix(1);  // the comma
  }
}

bool RecordReader::next(RecordRow& row) {
  std::size_t count = 0;
  do {
    if (rest_.empty()) return false;
    row.line = line_;
    count = read_fields();
  } while (count == 0 || (count == 1 && trim(fields_[0]).empty()));
  const auto& [path, digest, size] = fields_;
  if (count != 3) {
    fail(name_, row.line,
         "has a row of " + std::to_string(count) + " fields instead of 3 (path, digest, size)");
  }
  if (rows_++ == max_rows) fail(name_, row.line, "has more than 500000 rows");
  if (path.empty()) fail(name_, row.line, "has a row without a path");
  row.path = path;
  row.algorithm.clear();
  row.digest.clear();
  row.size.reset();
  if (!digest.empty()) {
    const std::size_t equals = digest.find('=');
    if (equals == std::string::npos || equals == 0) {
      fail(name_, row.line, "digest " + quoted(digest) + " is not \"algorithm=digest\"");
    }
    row.algorithm.assign(digest, 0, equals);
    row.digest.assign(digest, equals + 1);
  }
  if (!size.empty()) {
    const auto digits = trim(size);
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error != std::errc() || end != digits.data() + digits.size()) {
      fail(name_, row.line, "size " + quoted(size) + " is no number of bytes");
    }
    row.size = number;
  }
  return true;
}

std::vector<RecordRow> parse_record(std::string_view text, std::string_view name) {
  std::vector<RecordRow> rows;
  rows.reserve(std::min(text.size() / 64, max_rows / 2));
  RecordReader reader(text, name);
  for (RecordRow row; reader.next(row);) rows.push_back(std::move(row));
  return rows;
}

void append_csv_field(std::string& out, std::string_view field) {
  if (field.find_first_of(",\"\r\n") == std::string_view::npos) {
    out += field;
    return;
  }
  out += '"';
  for (const char c : field) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

std::string render_record_row(const RecordRow& row) {
  std::string out;
  append_csv_field(out, row.path);
  out += ',';
  if (!row.algorithm.empty()) append_csv_field(out, row.algorithm + "=" + row.digest);
  out += ',';
  if (row.size) out += std::to_string(*row.size);
  out += '\n';
  return out;
}

void append_record_row(std::string& out, std::string_view path, std::string_view sha256_base64url,
                       std::uint64_t size) {
  append_csv_field(out, path);
  out += ",sha256=";
  out += sha256_base64url;
  out += ',';
  std::array<char, 20> digits;
  const auto result = std::to_chars(digits.data(), digits.data() + digits.size(), size);
  out.append(digits.data(), result.ptr);
  out += '\n';
}

namespace {

std::string path_of_row(std::string_view row) {
  if (!row.starts_with('"')) return std::string(row.substr(0, row.find(',')));
  std::string path;
  for (std::size_t i = 1; i < row.size(); ++i) {
    if (row[i] == '"' && (++i == row.size() || row[i] != '"')) break;
    path += row[i];
  }
  return path;
}

}  // namespace

std::size_t place_in_record(std::string_view rows, std::string_view path) {
  // Both are starts of rows; the place is between them.
  std::size_t low = 0;
  std::size_t high = rows.size();
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    const std::size_t before = rows.substr(low, middle - low).rfind('\n');
    const std::size_t start = before == std::string_view::npos ? low : low + before + 1;
    const std::size_t end = std::min(rows.find('\n', middle), rows.size() - 1) + 1;
    if (path_of_row(rows.substr(start, end - start)) < path) {
      low = end;
    } else {
      high = start;
    }
  }
  return low;
}

RecordPath classify_record_path(std::string_view path) noexcept {
  if (rel_path_fault(path) == nullptr) return RecordPath::normal;
  if (path.empty()) return RecordPath::not_normal;
  if (is_separator(path.front())) return RecordPath::escaping;
  if (path.size() >= 2 && is_alpha(path[0]) && path[1] == ':') return RecordPath::escaping;
  std::size_t depth = 0;
  while (true) {
    const std::size_t end = std::min(path.find_first_of("/\\"), path.size());
    const auto component = path.substr(0, end);
    if (component == "..") {
      if (depth == 0) return RecordPath::escaping;
      --depth;
    } else if (!component.empty() && component != ".") {
      ++depth;
    }
    if (end == path.size()) return RecordPath::not_normal;
    path.remove_prefix(end + 1);
  }
}

}  // namespace axle
