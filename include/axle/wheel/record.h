#pragma once
// RECORD: the list of a distribution's files. spec: "Recording installed projects" (CSV, Python's default
// dialect).

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace axle {

// One row, as it is written: paths may be absolute, leave the root or name nothing; judging is the caller's.
struct RecordRow {
  std::string path;       // never empty
  std::string algorithm;  // "sha256"; "" when the row has no digest
  std::string digest;     // the text after '='
  std::optional<std::uint64_t> size;
  std::size_t line = 0;  // from 1

  friend bool operator==(const RecordRow&, const RecordRow&) = default;
};

// Rows in their order. Quoted fields, LF, CRLF and CR line ends, and blank lines are accepted. Throws
// Error(bad_input) with `name` and line for text that is not UTF-8 or holds a NUL, an open quote at the end,
// a row that has not three fields, an empty path, a digest without '=', a size that is no number. Pure;
// thread-safe.
std::vector<RecordRow> parse_record(std::string_view text, std::string_view name);

// The same, one row at a time. Not thread-safe.
class RecordReader {
 public:
  // Both must outlive the reader. Throws what parse_record does for the text as a whole.
  RecordReader(std::string_view text, std::string_view name);
  // False at the end. The row's strings are used again, so reading takes no memory for each row.
  bool next(RecordRow& row);

 private:
  void read_field(std::string& field);
  void read_quoted(std::string& field);
  bool take_line_end() noexcept;
  std::size_t read_fields();

  std::string_view rest_;
  std::string_view name_;
  std::size_t rows_ = 0;
  std::size_t line_ = 1;
  std::array<std::string, 3> fields_;
};

// "path,sha256=...,12\n" with the path quoted where it must be.
std::string render_record_row(const RecordRow& row);
// Appends the same for a file with this digest.
void append_record_row(std::string& out, std::string_view path, std::string_view sha256_base64url,
                       std::uint64_t size);
// Where a row of `path` belongs among rendered rows that are sorted by path and hold no line end within a
// path: the offset of the first row whose path is not before it. Takes the logarithm of the number of rows.
std::size_t place_in_record(std::string_view rows, std::string_view path);
// Appends `field` as CSV: quoted when it holds a comma, a quote or a line end.
void append_csv_field(std::string& out, std::string_view field);

// How a row's path relates to the root that it should lie in, judged lexically, with '\' as a separator too.
enum class RecordPath {
  normal,      // a RelPath
  not_normal,  // names no file, but does not leave the root: "./a", "a//b", "a/"
  escaping,    // absolute, with a drive, or leaving the root by ".."
};
RecordPath classify_record_path(std::string_view path) noexcept;

}  // namespace axle
