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

}  // namespace axle::cli
