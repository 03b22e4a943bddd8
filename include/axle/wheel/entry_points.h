#pragma once
// entry_points.txt. spec: "Entry points specification"; the syntax is configparser's with '=' as the only
// delimiter and names that keep their case.

#include <string>
#include <string_view>
#include <vector>

namespace axle {

struct EntryPoint {
  std::string group;
  std::string name;
  std::string value;  // as written, trimmed: "demo.cli:main [extra]"

  friend bool operator==(const EntryPoint&, const EntryPoint&) = default;
};

// What a value points to.
struct ObjectReference {
  std::string module;               // "demo.cli"
  std::string attribute;            // "main", "Cls.method"; "" when there is none
  std::vector<std::string> extras;  // parsed, and without meaning
};

// In the file's order. Throws Error(bad_input) with `name` and line for text that is not UTF-8, text outside
// a section, a line that is neither, a section or a name that comes twice, a value that is no object
// reference, and in console_scripts and gui_scripts a reference without an attribute or a name that is not
// one file name of letters, digits, '_', '.' and '-'. Pure; thread-safe.
std::vector<EntryPoint> parse_entry_points(std::string_view text, std::string_view name);

// "module[:attribute[.attribute]*] [extras]". Throws Error(bad_input) for anything else: what comes out may
// be put into generated code.
ObjectReference parse_object_reference(std::string_view value);

// console_scripts or gui_scripts: groups that make programs.
bool is_script_group(std::string_view group) noexcept;

// True for a name (in any case, ".exe", ".py", ".pyw" stripped) that the environment has for itself in its
// directory of programs: python, pythonw, python3, python3.12t, pypy3, graalpy, activate, activate.fish,
// activate_this.py, ... Names that merely begin so (pypyr, activate-global-python-argcomplete) are programs
// like any other.
bool is_reserved_script_name(std::string_view name) noexcept;

}  // namespace axle
