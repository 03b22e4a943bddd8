// fish.

#include <array>

#include "plan/activate.h"

namespace axle {
namespace {

constexpr std::string_view script = R"fish(# Source this file in fish:  source @BIN@/activate.fish
# "deactivate" takes it back.

function deactivate -d 'Leave the environment'
    if set -q _OLD_VIRTUAL_PATH
        set -gx PATH $_OLD_VIRTUAL_PATH
        set -e _OLD_VIRTUAL_PATH
    end
    if set -q _OLD_VIRTUAL_PYTHONHOME
        set -gx PYTHONHOME $_OLD_VIRTUAL_PYTHONHOME
        set -e _OLD_VIRTUAL_PYTHONHOME
    end
    if functions -q _axle_outer_prompt
        functions -e fish_prompt
        functions -c _axle_outer_prompt fish_prompt
        functions -e _axle_outer_prompt
    end
    set -e VIRTUAL_ENV
    set -e VIRTUAL_ENV_PROMPT
    if test "$argv[1]" != nondestructive
        functions -e deactivate
    end
end

deactivate nondestructive

set -gx VIRTUAL_ENV @ROOT@
set -gx VIRTUAL_ENV_PROMPT @PROMPT@
set -g _OLD_VIRTUAL_PATH $PATH
set -gx PATH "$VIRTUAL_ENV/@BIN@" $PATH

if set -q PYTHONHOME
    set -g _OLD_VIRTUAL_PYTHONHOME $PYTHONHOME
    set -e PYTHONHOME
end

if test -z "$VIRTUAL_ENV_DISABLE_PROMPT"; and functions -q fish_prompt
    functions -c fish_prompt _axle_outer_prompt
    function fish_prompt
        # The prompt that was there shows the status of the last command.
        set -l last $status
        printf '(%s) ' "$VIRTUAL_ENV_PROMPT"
        sh -c "exit $last"
        _axle_outer_prompt
    end
end
)fish";

// Not by cd: fish runs a command substitution in the shell itself.
constexpr std::string_view own_place =
    R"fish((builtin realpath -- (string replace -r '^([^/]*)$' './$1' -- (status -f) | string replace -r '/[^/]*$' '/..')))fish";

std::string quote(std::string_view text) {
  std::string out = "'";
  for (char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

}  // namespace

std::string render_activate_fish(const Activation& activation) {
  const std::string root = activation.relocatable ? std::string(own_place) : quote(activation.root);
  const std::array<Blank, 3> blanks{
      {{"@BIN@", activation.bin}, {"@ROOT@", root}, {"@PROMPT@", quote(activation.prompt)}}};
  return fill_blanks(script, blanks);
}

}  // namespace axle
