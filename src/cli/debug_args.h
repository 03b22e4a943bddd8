#pragma once
// Checked access to the arguments of `axle debug` operations: a wrong type is an Error(usage), never a crash.

#include <axle/base/error.h>

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace axle::cli {

[[noreturn]] inline void fail_argument(std::string_view what, std::string_view wanted) {
  throw Error(ErrorCode::usage, std::string(what) + " must be " + std::string(wanted));
}

// The arguments themselves: a list of at least `least` and at most `most`.
inline void check_count(const nlohmann::json& args, std::size_t least, std::size_t most) {
  if (!args.is_array()) fail_argument("args", "a list");
  if (args.size() < least || args.size() > most) {
    const std::string count = std::to_string(least) + (least == most ? "" : " to " + std::to_string(most));
    fail_argument("args", "a list of " + count);
  }
}

inline const std::string& as_string(const nlohmann::json& value, std::string_view what) {
  if (!value.is_string()) fail_argument(what, "a string");
  return value.get_ref<const std::string&>();
}

inline bool as_bool(const nlohmann::json& value, std::string_view what) {
  if (!value.is_boolean()) fail_argument(what, "true or false");
  return value.get<bool>();
}

inline const nlohmann::json& as_object(const nlohmann::json& value, std::string_view what) {
  if (!value.is_object()) fail_argument(what, "an object");
  return value;
}

inline const nlohmann::json& as_array(const nlohmann::json& value, std::string_view what) {
  if (!value.is_array()) fail_argument(what, "a list");
  return value;
}

}  // namespace axle::cli
