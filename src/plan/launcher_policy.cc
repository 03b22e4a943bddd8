#include <algorithm>

#include "axle/plan/policy.h"
#include "base/text.h"

namespace axle {

std::string_view to_string(LauncherKind kind) noexcept {
  switch (kind) {
    case LauncherKind::script:
      return "script";
    case LauncherKind::sh:
      return "sh";
    case LauncherKind::native:
      break;
  }
  return "native";
}

// A line each: the kind, then "flag WORD", "set NAME=VALUE", "default NAME=VALUE", "unset NAME". Neither
// words nor values hold a line end: the command line refuses them.
std::string render_launcher_policy(const LauncherPolicy& policy) {
  if (policy == LauncherPolicy{}) return {};
  std::string text(to_string(policy.kind));
  for (const std::string& flag : policy.flags) text += "\nflag " + flag;
  for (const EnvironmentChange& change : policy.environment) {
    switch (change.kind) {
      case EnvironmentChange::Kind::set:
        text += "\nset " + change.name + "=" + change.value;
        break;
      case EnvironmentChange::Kind::set_default:
        text += "\ndefault " + change.name + "=" + change.value;
        break;
      case EnvironmentChange::Kind::unset:
        text += "\nunset " + change.name;
        break;
    }
  }
  return text;
}

LauncherPolicy parse_launcher_policy(std::string_view text) {
  LauncherPolicy policy;
  bool first = true;
  for (const std::string_view line : split(text, '\n')) {
    if (first) {
      if (line == "sh") policy.kind = LauncherKind::sh;
      if (line == "native") policy.kind = LauncherKind::native;
      first = false;
      continue;
    }
    const std::size_t space = std::min(line.find(' '), line.size());
    const std::string_view key = line.substr(0, space);
    const std::string value(line.substr(std::min(space + 1, line.size())));
    const std::size_t equals = std::min(value.find('='), value.size());
    const std::string rest = value.substr(std::min(equals + 1, value.size()));
    using Kind = EnvironmentChange::Kind;
    if (key == "flag") policy.flags.push_back(value);
    if (key == "set") policy.environment.push_back({Kind::set, value.substr(0, equals), rest});
    if (key == "default") policy.environment.push_back({Kind::set_default, value.substr(0, equals), rest});
    if (key == "unset") policy.environment.push_back({Kind::unset, value, {}});
  }
  return policy;
}

}  // namespace axle
