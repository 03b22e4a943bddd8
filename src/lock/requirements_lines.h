#pragma once
// The outer form of requirements files: encoding, continued lines, comments, variables, options.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "axle/lock/lock.h"

namespace axle::lockfile {

// UTF-8, or UTF-16 with a byte order mark, as UTF-8 without one; nullopt for anything else.
std::optional<std::string> decode_text(std::string_view bytes);

// A line after continuation lines are joined, comments removed and variables replaced; never blank.
struct LogicalLine {
  // From `offset` on (up to the next), the text stands at this line and column of the file.
  struct Point {
    std::size_t offset;
    std::uint32_t line;
    std::uint32_t column;
  };
  std::string text;
  std::vector<Point> points;
  bool names_variables = false;  // it has a ${

  LockPlace place(std::uint32_t file, std::size_t offset) const;
};

// spec: pip, "Requirements File Format". ${NAME} with an upper-case name is replaced when `variables` has it.
std::vector<LogicalLine> logical_lines(std::string_view text,
                                       const std::map<std::string, std::string>& variables);

// A word of an option list, unquoted as a shell does.
struct Word {
  std::string text;
  std::size_t offset = 0;
};
std::vector<Word> split_words(std::string_view text, std::size_t offset);

// Where the options behind a requirement begin: the first word that starts with '-'; the size when there are
// none.
std::size_t options_start(std::string_view text);

// "a/../b/./c" is "b/c", as far as that can be said without looking.
std::string without_detours(const std::string& path);

}  // namespace axle::lockfile
