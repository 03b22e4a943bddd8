#pragma once
// What --launcher-flags and --launcher-env say. Pure.

#include <string>
#include <string_view>
#include <vector>

#include "axle/plan/policy.h"

namespace axle {

// "-I -X utf8" as words. Throws Error(usage) for flags that would not start what the launcher is for.
std::vector<std::string> parse_launcher_flags(std::string_view text);
// The same as a text.
std::string join_flags(const std::vector<std::string>& flags);
// "NAME=VALUE", "NAME?=VALUE" (unless it is set) or "NAME" (taken away). Throws Error(usage).
EnvironmentChange parse_environment_change(std::string_view text);

}  // namespace axle
