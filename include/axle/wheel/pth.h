#pragma once
// Startup files as Python's site module reads them. spec: CPython Lib/site.py (up to 3.14); PEP 829 (.start).

#include <string>
#include <string_view>
#include <vector>

namespace axle {

struct PthLine {
  enum class Kind { path, code, comment, blank };
  Kind kind;
  // The line without its end; of a path also without the white space behind it, as site.py takes it.
  std::string text;

  friend bool operator==(const PthLine&, const PthLine&) = default;
};
std::string_view to_string(PthLine::Kind kind) noexcept;

// Total: every text has a reading. Lines end where Python's str.splitlines ends them, a UTF-8 byte order mark
// at the start is skipped, '#' in the first column makes a comment, "import" with a space or a tab in the
// first column makes code. Pure; thread-safe.
std::vector<PthLine> classify_pth(std::string_view text);

// The lines of a .start file: comments, blanks, and code ("pkg.mod:callable", stripped at both ends).
std::vector<PthLine> classify_start(std::string_view text);

}  // namespace axle
