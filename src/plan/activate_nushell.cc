// nushell: a module that is used as an overlay.

#include <array>

#include "plan/activate.h"

namespace axle {
namespace {

constexpr std::string_view script = R"nu(# Use this file in nushell:  overlay use @BIN@/activate.nu
# "deactivate" takes it back.

@SELF@export-env {
    let root = @ROOT@
    let name = (if ("Path" in $env) { "Path" } else { "PATH" })
    let before = ($env | get $name)
    let list = (if ($before | describe) == "string" { $before | split row (char esep) } else { $before })
    load-env {
        VIRTUAL_ENV: $root
        VIRTUAL_ENV_PROMPT: @PROMPT@
        $name: ($list | prepend ($root | path join "@BIN@"))
    }
    if ("PROMPT_COMMAND" in $env) and not ("VIRTUAL_ENV_DISABLE_PROMPT" in $env) {
        let outer = $env.PROMPT_COMMAND
        $env.PROMPT_COMMAND = {||
            let rest = (if ($outer | describe) == "closure" { do $outer } else { $outer })
            ["(" $env.VIRTUAL_ENV_PROMPT ") " $rest] | str join
        }
    }
}

export alias deactivate = overlay hide activate
)nu";

// A string in double quotes has escapes and nothing else; "$" means something only in $"...".
std::string quote(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

}  // namespace

std::string render_activate_nushell(const Activation& activation) {
  const std::array<Blank, 4> blanks{
      {{"@BIN@", activation.bin},
       {"@SELF@", activation.relocatable ? "const here = path self .\n\n" : ""},
       {"@ROOT@", activation.relocatable ? "($here | path dirname)" : quote(activation.root)},
       {"@PROMPT@", quote(activation.prompt)}}};
  return fill_blanks(script, blanks);
}

}  // namespace axle
