#pragma once
// Activation scripts: what puts an environment's scripts first in a shell's PATH, and takes that back. Our
// own text, one function a shell; paths and prompts are quoted by each shell's rules, never spliced bare
// (CVE-2024-9287, CVE-2024-53899). Pure.

#include <algorithm>
#include <string>
#include <string_view>

#include "axle/env/interpreter.h"

namespace axle {

// Without control characters; UTF-8.
struct Activation {
  std::string root;    // absolute path of the environment
  std::string prompt;  // shown as "(prompt) "
  std::string bin;     // "bin" or "Scripts"
  Os os = Os::linux;
  bool relocatable = false;  // find the root by the script's own place where the shell can tell it
};

std::string render_activate_sh(const Activation& activation);
std::string render_activate_csh(const Activation& activation);
std::string render_activate_fish(const Activation& activation);
std::string render_activate_powershell(const Activation& activation);
std::string render_activate_nushell(const Activation& activation);
std::string render_activate_batch(const Activation& activation);  // CRLF; always finds its own place
std::string render_deactivate_batch();

// `text` with every "@NAME@" of `names` replaced: {{"@BIN@", "bin"}, ...}; values are not looked at again.
struct Blank {
  std::string_view name;
  std::string value;
};
template <typename Blanks>
std::string fill_blanks(std::string_view text, const Blanks& blanks) {
  std::string out;
  while (!text.empty()) {
    const std::size_t plain = std::min(text.find('@'), text.size());
    out += text.substr(0, plain);
    text.remove_prefix(plain);
    if (text.empty()) break;
    const Blank* match = nullptr;
    for (const Blank& blank : blanks) {
      if (text.starts_with(blank.name)) match = &blank;
    }
    out += match == nullptr ? std::string_view("@") : std::string_view(match->value);
    text.remove_prefix(match == nullptr ? 1 : match->name.size());
  }
  return out;
}

}  // namespace axle
