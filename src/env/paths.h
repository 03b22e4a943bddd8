#pragma once
// Absolute host paths as text, where std::filesystem would decide more than is wanted.

#include <optional>
#include <string>
#include <string_view>

namespace axle {

// Whether names in this directory, or in the nearest above it that is there, are the same when they differ
// only in case: found by looking for a name that is there in the other case, so nothing is written.
bool folds_case(const std::string& path);

std::string path_in(std::string_view dir, std::string_view name);
std::string parent_path(std::string_view path);  // "/usr" of "/usr/bin"; "/" of "/usr"; "" of "usr"
std::string_view base_name(std::string_view path) noexcept;
// Absolute and without "." and "//"; ".." stays, because only the file system knows what it means behind a
// link.
std::string absolute_from(std::string_view working_dir, std::string_view path);
// realpath(3); nullopt when some part does not exist.
std::optional<std::string> real_path(const std::string& path);
// The same of what must exist. Throws Error(io).
std::string existing_path(const std::string& path);
// The way from one absolute, normalized directory to another path: "../../b/c". Lexical.
std::string relative_path(std::string_view from_dir, std::string_view to);
bool is_regular_file(const std::string& path);
bool is_directory(const std::string& path);
bool is_program(const std::string& path);  // a regular file that this process may execute

}  // namespace axle
