#include "plan/launcher_flags.h"

#include "axle/base/error.h"
#include "base/text.h"

namespace axle {
namespace {

[[noreturn]] void refuse_flag(std::string_view flag, const std::string& why) {
  throw Error(ErrorCode::usage, "--launcher-flags: " + quoted(flag) + " " + why,
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
    throw Error(ErrorCode::usage, "--launcher-env " + quoted(text) + " is no variable",
                "NAME=VALUE sets it, NAME?=VALUE unless it is set, NAME takes it away");
  }
  return change;
}

std::string join_flags(const std::vector<std::string>& flags) {
  std::string text;
  for (const std::string& flag : flags) text += (text.empty() ? "" : " ") + flag;
  return text;
}

}  // namespace axle
