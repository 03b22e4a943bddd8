#pragma once
// Parameter files: the arguments of an action that do not fit a command line.
//
// Build systems write them in three styles (Bazel's names): `shell`, one shell-quoted argument a line;
// `multiline`, one raw argument a line; `flag_per_line`, raw lines of the form --name=value. The last two are
// read alike. A file does not say its style, so `automatic` takes it for `shell` when all of it is written as
// Bazel quotes, and something in it is quoted; everything else is raw. Blank lines and lines that begin with
// '#' are arguments like any other.

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace axle {

enum class ParamStyle { automatic, shell, multiline };

// The arguments in a file's text. Throws Error(bad_input) with the line for quotes that do not end. Pure.
std::vector<std::string> parse_params(std::string_view text, ParamStyle style, const std::string& name);

// Replaces "@FILE", "--flagfile=FILE", "-flagfile=FILE" and "--flagfile FILE" by what the file holds, at any
// place, in files too; "@@x" is the argument "@x". "--param-style shell|multiline|flag_per_line|auto" holds
// for the files after it. Throws Error(usage) for a wrong style, Error(bad_input) for files that name each
// other without end.
using ReadText = std::function<std::string(const std::string& path)>;
std::vector<std::string> expand_params(std::span<const std::string> arguments, const ReadText& read);

}  // namespace axle
