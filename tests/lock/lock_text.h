#pragma once
// Locks from text, with further files as a map.

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "axle/lock/parse.h"

namespace axle {

using Files = std::map<std::string, std::string>;

inline Lock lock_from(std::string_view path, std::string_view text, const Files& files = {},
                      const std::map<std::string, std::string>& variables = {}) {
  LockContext context;
  context.path = std::string(path);
  context.variables = variables;
  context.read_file = [&](const std::string& name) -> std::optional<std::string> {
    const auto found = files.find(name);
    return found == files.end() ? std::nullopt : std::optional(found->second);
  };
  return parse_lock(text, context);
}

// What reading it says: "CODE place: message".
inline std::string error_from(std::string_view path, std::string_view text, const Files& files = {}) {
  try {
    lock_from(path, text, files);
  } catch (const Error& error) {
    return std::string(to_string(error.code())) + " " + error.what();
  }
  return "no error";
}

// 64 digits.
inline std::string sha(char digit) { return "sha256:" + std::string(64, digit); }

inline bool begins(const std::string& text, std::string_view start) { return text.starts_with(start); }

}  // namespace axle
