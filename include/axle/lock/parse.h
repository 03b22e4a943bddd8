#pragma once
// From text to Lock. Pure: other files are asked of the caller.

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "axle/lock/lock.h"

namespace axle {

// What a lock needs besides its text.
struct LockContext {
  // How the lock is named; messages show it, and the files beside it or included by it are named from its
  // directory. "-" is standard input, whose directory is the current one.
  std::string path;
  // Gives the content of a file, nullopt when there is none. Paths are absolute or relative as `path` is.
  // Without a function there are no other files. What it throws goes through.
  std::function<std::optional<std::string>(const std::string& path)> read_file;
  // For ${NAME} in requirements files.
  std::map<std::string, std::string> variables;
};

// A longer lock is refused.
inline constexpr std::size_t max_lock_size = std::size_t{128} << 20;

// The format by the file's name, then by its content; nullopt when neither tells.
std::optional<LockFormat> find_lock_format(std::string_view path, std::string_view text);
// The format of that name (see to_string); nullopt for another.
std::optional<LockFormat> parse_lock_format(std::string_view name);

// Reads a lock; `format` nullopt: find_lock_format decides. Throws Error(bad_input) with file, line and
// column for what is malformed or not pinned, Error(unsupported) for a version of the format that is unknown,
// a lock that says too little by itself (with the command that writes a complete one), and for remote
// includes; Error(usage) when the format cannot be told. Thread-safe as far as `context.read_file` is.
Lock parse_lock(std::string_view text, const LockContext& context,
                std::optional<LockFormat> format = std::nullopt);

}  // namespace axle
