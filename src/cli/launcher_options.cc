#include "cli/launcher_options.h"

#include "axle/base/error.h"
#include "plan/launcher_flags.h"

namespace axle::cli {
LauncherPolicy make_launcher_policy(const Options& options, std::string_view kept) {
  LauncherPolicy policy = parse_launcher_policy(kept);
  const bool asked =
      !options.launcher.empty() || !options.launcher_flags.empty() || !options.launcher_env.empty();
  if (!asked) return policy;
  if (options.launcher == "script") policy.kind = LauncherKind::script;
  if (options.launcher == "sh") policy.kind = LauncherKind::sh;
  if (options.launcher == "native") policy.kind = LauncherKind::native;
  policy.flags = parse_launcher_flags(options.launcher_flags);
  policy.environment.clear();
  for (const std::string& text : options.launcher_env) {
    policy.environment.push_back(parse_environment_change(text));
  }
  if (!policy.environment.empty() && policy.kind != LauncherKind::native) {
    throw Error(ErrorCode::usage, "--launcher-env is for native launchers",
                "add --launcher native; a script cannot change the interpreter's variables");
  }
  return policy;
}

}  // namespace axle::cli
