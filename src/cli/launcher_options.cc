#include "cli/launcher_options.h"

#include "axle/base/error.h"
#include "base/text.h"

namespace axle::cli {
namespace {

[[noreturn]] void refuse_flag(std::string_view flag, const std::string& why) {
  throw Error(ErrorCode::usage, "--launcher-flags: " + axle::quoted(flag) + " " + why,
              "give options of the interpreter that stand before a script, such as -I, -O, -X utf8");
}

// spec: "Command line and environment" of Python: -c and -m end the options, -h and -V print something and
// stop. The others are letters that may stand together, of which -W and -X take a text.
void check_flag(std::string_view flag, bool& wants_text) {
  if (flag.starts_with("--")) return;
  for (std::size_t i = 1; i < flag.size(); ++i) {
    switch (flag[i]) {
      case 'c':
      case 'm':
      case 'h':
      case 'V':
      case '?':
        refuse_flag(flag, "would start something else than the entry point");
      case 'W':
      case 'X':
        wants_text = i + 1 == flag.size();
        return;
      default:
        break;
    }
  }
}

}  // namespace

std::vector<std::string> parse_launcher_flags(std::string_view text) {
  std::vector<std::string> flags;
  bool wants_text = false;
  for (text = trim(text); !text.empty(); text = trim(text)) {
    std::size_t end = 0;
    while (end < text.size() && !is_space(text[end])) ++end;
    const std::string_view word = text.substr(0, end);
    for (const char c : word) {
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) refuse_flag(word, "holds a control character");
    }
    if (wants_text) {
      wants_text = false;
    } else if (word.size() < 2 || word == "--" || word[0] != '-') {
      refuse_flag(word, "is no option");
    } else {
      check_flag(word, wants_text);
    }
    flags.emplace_back(word);
    text.remove_prefix(end);
  }
  if (wants_text) refuse_flag(flags.back(), "needs a word after it");
  return flags;
}

EnvironmentChange parse_environment_change(std::string_view text) {
  EnvironmentChange change;
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) {
    change = {EnvironmentChange::Kind::unset, std::string(text), {}};
  } else if (equals > 0 && text[equals - 1] == '?') {
    change = {EnvironmentChange::Kind::set_default, std::string(text.substr(0, equals - 1)),
              std::string(text.substr(equals + 1))};
  } else {
    change = {EnvironmentChange::Kind::set, std::string(text.substr(0, equals)),
              std::string(text.substr(equals + 1))};
  }
  if (change.name.empty() || text.find_first_of(std::string_view("\n\r\0", 3)) != std::string_view::npos) {
    throw Error(ErrorCode::usage, "--launcher-env " + axle::quoted(text) + " is no variable",
                "NAME=VALUE sets it, NAME?=VALUE unless it is set, NAME takes it away");
  }
  return change;
}

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
