#pragma once
// --launcher, --launcher-flags, --launcher-env.

#include <optional>
#include <string_view>

#include "axle/plan/policy.h"
#include "cli/options.h"

namespace axle::cli {

// What the options say; where they say nothing, what the environment has (`kept`, which may be damaged).
// Throws Error(usage) for flags that would not start what the launcher is for.
LauncherPolicy make_launcher_policy(const Options& options, std::string_view kept);

// "-I -X utf8" as words. Throws Error(usage).
std::vector<std::string> parse_launcher_flags(std::string_view text);
// "NAME=VALUE", "NAME?=VALUE" (unless it is set) or "NAME" (taken away). Throws Error(usage).
EnvironmentChange parse_environment_change(std::string_view text);

}  // namespace axle::cli
