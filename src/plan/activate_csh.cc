// csh and tcsh. They have no functions, so that "deactivate" is an alias, and they look at every "$name" of a
// line before they run it, so that each step is a command of its own behind &&.

#include <array>

#include "plan/activate.h"

namespace axle {
namespace {

constexpr std::string_view script = R"csh(# Source this file in csh or tcsh:  source @BIN@/activate.csh
# "deactivate" takes it back. csh cannot tell where a sourced file is: this one holds the environment's path.

alias deactivate 'test $?_axle_path != 0 && setenv PATH "$_axle_path:q" && unset _axle_path; test $?_axle_prompt != 0 && set prompt="$_axle_prompt:q" && unset _axle_prompt; unsetenv VIRTUAL_ENV; unsetenv VIRTUAL_ENV_PROMPT; rehash; test "\!:*" != nondestructive && unalias deactivate'

deactivate nondestructive

setenv VIRTUAL_ENV @ROOT@
setenv VIRTUAL_ENV_PROMPT @PROMPT@
set _axle_path = "$PATH:q"
setenv PATH "${VIRTUAL_ENV:q}/@BIN@:${PATH:q}"

if ( ! $?VIRTUAL_ENV_DISABLE_PROMPT ) then
    if ( $?prompt ) then
        set _axle_prompt = "$prompt:q"
        set prompt = "(${VIRTUAL_ENV_PROMPT:q}) $prompt:q"
    endif
endif

rehash
)csh";

// In single quotes only the quote itself and the history character mean something.
std::string quote(std::string_view text) {
  std::string out = "'";
  for (char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else if (c == '!') {
      out += "\\!";
    } else {
      out += c;
    }
  }
  return out + "'";
}

}  // namespace

std::string render_activate_csh(const Activation& activation) {
  const std::array<Blank, 3> blanks{{{"@BIN@", activation.bin},
                                     {"@ROOT@", quote(activation.root)},
                                     {"@PROMPT@", quote(activation.prompt)}}};
  return fill_blanks(script, blanks);
}

}  // namespace axle
