#include "axle/lock/program_settings.h"

#include "axle/base/error.h"
#include "base/text.h"
#include "lock/toml.h"

namespace axle {
namespace {

class SettingsReader {
 public:
  explicit SettingsReader(std::string_view name) : name_(name) {}

  ProgramSettings read(std::string_view text) {
    if (!is_utf8(text)) throw Error(ErrorCode::bad_input, Place{name_}, "the file is not UTF-8");
    if (const auto at = lockfile::find_deep_key(text)) {
      throw Error(ErrorCode::bad_input, Place{name_, at->line, at->column},
                  "not TOML: a key of too many parts");
    }
    toml::table table;
    try {
      table = toml::parse(text);
    } catch (const toml::parse_error& error) {
      const toml::source_position at = error.source().begin;
      throw Error(ErrorCode::bad_input, Place{name_, at.line, at.column},
                  "not TOML: " + std::string(error.description()));
    }
    for (const auto& [key, node] : table) take(std::string(key.str()), node);
    ProgramSettings settings;
    settings.flags.clear();
    if (isolated_) settings.flags.emplace_back("-I");
    if (!byte_code_) settings.flags.emplace_back("-B");
    if (optimize_ > 0) settings.flags.emplace_back(optimize_ == 1 ? "-O" : "-OO");
    if (utf8_) x_.insert(x_.begin(), "utf8");
    for (std::string& option : x_) {
      settings.flags.emplace_back("-X");
      settings.flags.push_back(std::move(option));
    }
    for (std::string& warning : warnings_) settings.flags.push_back("-W" + warning);
    settings.arguments = std::move(arguments_);
    settings.environment = std::move(environment_);
    return settings;
  }

 private:
  [[noreturn]] void fail(const toml::node& node, const std::string& message, std::string hint = {}) const {
    const toml::source_position at = node.source().begin;
    throw Error(ErrorCode::bad_input, Place{name_, at.line, at.column}, message, std::move(hint));
  }

  std::string text_of(const std::string& key, const toml::node& node) const {
    const auto* text = node.as_string();
    if (text == nullptr) fail(node, quoted(key) + " must be a string");
    if (text->get().find('\0') != std::string::npos) fail(node, quoted(key) + " has a NUL in it");
    return text->get();
  }
  bool flag_of(const std::string& key, const toml::node& node) const {
    const auto* flag = node.as_boolean();
    if (flag == nullptr) fail(node, quoted(key) + " must be a boolean");
    return flag->get();
  }
  std::vector<std::string> list_of(const std::string& key, const toml::node& node) const {
    const auto* array = node.as_array();
    if (array == nullptr) fail(node, quoted(key) + " must be an array of strings");
    std::vector<std::string> list;
    for (const toml::node& one : *array) list.push_back(text_of(key, one));
    return list;
  }

  void variable(const toml::node& node, ProgramSettings::Variable::Kind kind, std::string name,
                std::string value) {
    if (name.empty() || name.find_first_of(std::string("=\0", 2)) != std::string::npos) {
      fail(node, quoted(name) + " cannot be the name of a variable");
    }
    environment_.push_back({kind, std::move(name), std::move(value)});
  }

  void variables(const std::string& key, const toml::node& node, ProgramSettings::Variable::Kind kind) {
    const auto* table = node.as_table();
    if (table == nullptr) fail(node, quoted(key) + " must be a table of strings");
    for (const auto& [name, value] : *table) {
      variable(value, kind, std::string(name.str()), text_of(std::string(name.str()), value));
    }
  }

  void take(const std::string& key, const toml::node& node) {
    using Kind = ProgramSettings::Variable::Kind;
    if (key == "isolated") {
      isolated_ = flag_of(key, node);
    } else if (key == "utf8") {
      utf8_ = flag_of(key, node);
    } else if (key == "byte-code") {
      byte_code_ = flag_of(key, node);
    } else if (key == "optimize") {
      const auto* level = node.as_integer();
      if (level == nullptr || level->get() < 0 || level->get() > 2)
        fail(node, "\"optimize\" must be 0, 1 or 2");
      optimize_ = static_cast<int>(level->get());
    } else if (key == "x") {
      x_ = list_of(key, node);
    } else if (key == "warnings") {
      warnings_ = list_of(key, node);
    } else if (key == "arguments") {
      arguments_ = list_of(key, node);
    } else if (key == "set") {
      variables(key, node, Kind::set);
    } else if (key == "default") {
      variables(key, node, Kind::set_default);
    } else if (key == "unset") {
      for (std::string& name : list_of(key, node)) variable(node, Kind::unset, std::move(name), {});
    } else {
      fail(node, quoted(key) + " is no setting",
           "isolated, utf8, byte-code, optimize, x, warnings, arguments, set, default, unset");
    }
  }

  std::string name_;
  bool isolated_ = true;
  bool utf8_ = false;
  bool byte_code_ = true;
  int optimize_ = 0;
  std::vector<std::string> x_, warnings_, arguments_;
  std::vector<ProgramSettings::Variable> environment_;
};

}  // namespace

ProgramSettings parse_program_settings(std::string_view text, std::string_view name) {
  return SettingsReader(name).read(text);
}

}  // namespace axle
