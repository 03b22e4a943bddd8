#pragma once
// How a bundled program starts its interpreter: a small TOML file (docs/bundle.md, "Settings").

#include <string>
#include <string_view>
#include <vector>

namespace axle {

struct ProgramSettings {
  struct Variable {
    enum class Kind { set, set_default, unset };
    Kind kind = Kind::set;
    std::string name;
    std::string value;
    friend bool operator==(const Variable&, const Variable&) = default;
  };

  std::vector<std::string> flags{"-I"};  // of the interpreter, a word each
  std::vector<std::string> arguments;    // of the program, before those of its user
  std::vector<Variable> environment;

  friend bool operator==(const ProgramSettings&, const ProgramSettings&) = default;
};

// Throws Error(bad_input) with `name`, line and column for what is no TOML, an unknown key, a value of the
// wrong type, and a name of a variable that cannot be one. Pure.
ProgramSettings parse_program_settings(std::string_view text, std::string_view name);

}  // namespace axle
