// sh, bash, dash, ksh and zsh. The script works under `set -eu`.

#include <array>

#include "base/text.h"
#include "plan/activate.h"

namespace axle {
namespace {

constexpr std::string_view script = R"sh(# Source this file in sh, bash, dash, ksh or zsh:  . @BIN@/activate
# "deactivate" takes it back.

deactivate () {
    if [ -n "${_OLD_VIRTUAL_PATH+set}" ]; then
        PATH=$_OLD_VIRTUAL_PATH
        export PATH
        unset _OLD_VIRTUAL_PATH
    fi
    if [ -n "${_OLD_VIRTUAL_PYTHONHOME+set}" ]; then
        PYTHONHOME=$_OLD_VIRTUAL_PYTHONHOME
        export PYTHONHOME
        unset _OLD_VIRTUAL_PYTHONHOME
    fi
    if [ -n "${_OLD_VIRTUAL_PS1+set}" ]; then
        PS1=$_OLD_VIRTUAL_PS1
        unset _OLD_VIRTUAL_PS1
    fi
    # The shell remembers where commands were found.
    hash -r 2>/dev/null || :
    unset VIRTUAL_ENV VIRTUAL_ENV_PROMPT
    if [ "${1-}" != nondestructive ]; then
        unset -f deactivate
    fi
}

deactivate nondestructive

VIRTUAL_ENV=@ROOT@
@FIND@export VIRTUAL_ENV
VIRTUAL_ENV_PROMPT=@PROMPT@
export VIRTUAL_ENV_PROMPT

_OLD_VIRTUAL_PATH=${PATH-}
PATH=$VIRTUAL_ENV/@BIN@${PATH:+:$PATH}
export PATH

if [ -n "${PYTHONHOME+set}" ]; then
    _OLD_VIRTUAL_PYTHONHOME=$PYTHONHOME
    unset PYTHONHOME
fi

if [ -n "${PS1+set}" ] && [ -z "${VIRTUAL_ENV_DISABLE_PROMPT-}" ]; then
    _OLD_VIRTUAL_PS1=$PS1
    @SETPROMPT@
fi

hash -r 2>/dev/null || :
)sh";

// dash cannot tell where a sourced file is: there the path of creation stays.
constexpr std::string_view find_own_place = R"sh(_axle_here=
if [ -n "${BASH_VERSION-}" ]; then
    _axle_here=${BASH_SOURCE-}
elif [ -n "${ZSH_VERSION-}" ]; then
    eval '_axle_here=${(%):-%x}'
elif [ -n "${KSH_VERSION-}" ]; then
    eval '_axle_here=${.sh.file}' 2>/dev/null || :
fi
if [ -n "$_axle_here" ]; then
    case $_axle_here in (*/*) ;; (*) _axle_here=./$_axle_here ;; esac
    VIRTUAL_ENV=$(CDPATH= cd -- "${_axle_here%/*}/.." && pwd)
fi
unset _axle_here
)sh";

constexpr std::string_view to_windows_shell =
    R"sh(case ${OSTYPE-} in (cygwin*|msys*) VIRTUAL_ENV=$(cygpath "$VIRTUAL_ENV") ;; esac
)sh";

std::string quote(std::string_view text) {
  std::string out = "'";
  for (char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out + "'";
}

// A prompt is expanded each time it is shown: what could mean something there is named, not spliced.
bool is_plain_prompt(std::string_view text) {
  for (char c : text) {
    if (!is_alnum(c) && std::string_view(" ._-+@,:=/()[]").find(c) == std::string_view::npos &&
        static_cast<unsigned char>(c) < 0x80) {
      return false;
    }
  }
  return true;
}

}  // namespace

std::string render_activate_sh(const Activation& activation) {
  std::string find;
  if (activation.relocatable) find += find_own_place;
  if (activation.os == Os::windows) find += to_windows_shell;
  const std::string set_prompt = is_plain_prompt(activation.prompt)
                                     ? "PS1=" + quote("(" + activation.prompt + ") ") + "$PS1"
                                     : "[ -n \"${ZSH_VERSION-}\" ] || PS1='(${VIRTUAL_ENV_PROMPT-}) '$PS1";
  const std::array<Blank, 5> blanks{{{"@BIN@", activation.bin},
                                     {"@ROOT@", quote(activation.root)},
                                     {"@FIND@", find},
                                     {"@PROMPT@", quote(activation.prompt)},
                                     {"@SETPROMPT@", set_prompt}}};
  return fill_blanks(script, blanks);
}

}  // namespace axle
