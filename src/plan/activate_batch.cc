// cmd.exe. The script finds its own place, so that no path stands in it; lines end in CRLF.

#include <array>

#include "plan/activate.h"

namespace axle {
namespace {

constexpr std::string_view script = R"bat(@echo off
rem Run this file in cmd.exe:  Scripts\activate.bat
rem "deactivate" takes it back.
if defined _OLD_VIRTUAL_PATH set "PATH=%_OLD_VIRTUAL_PATH%"
if defined _OLD_VIRTUAL_PROMPT set "PROMPT=%_OLD_VIRTUAL_PROMPT%"
if not defined PROMPT set "PROMPT=$P$G"
for %%i in ("%~dp0..") do set "VIRTUAL_ENV=%%~fi"
set "VIRTUAL_ENV_PROMPT=@PROMPT@"
set "_OLD_VIRTUAL_PATH=%PATH%"
set "PATH=%VIRTUAL_ENV%\@BIN@;%PATH%"
set "_OLD_VIRTUAL_PROMPT=%PROMPT%"
if not defined VIRTUAL_ENV_DISABLE_PROMPT set "PROMPT=(@SHOWN@) %PROMPT%"
if defined PYTHONHOME set "_OLD_VIRTUAL_PYTHONHOME=%PYTHONHOME%"
set PYTHONHOME=
)bat";

constexpr std::string_view undo = R"bat(@echo off
if defined _OLD_VIRTUAL_PATH set "PATH=%_OLD_VIRTUAL_PATH%"
if defined _OLD_VIRTUAL_PROMPT set "PROMPT=%_OLD_VIRTUAL_PROMPT%"
if defined _OLD_VIRTUAL_PYTHONHOME set "PYTHONHOME=%_OLD_VIRTUAL_PYTHONHOME%"
set _OLD_VIRTUAL_PATH=
set _OLD_VIRTUAL_PROMPT=
set _OLD_VIRTUAL_PYTHONHOME=
set VIRTUAL_ENV=
set VIRTUAL_ENV_PROMPT=
)bat";

std::string doubled(std::string_view text, std::string_view characters) {
  std::string out;
  for (char c : text) {
    out += c;
    if (characters.find(c) != std::string_view::npos) out += c;
  }
  return out;
}

std::string with_crlf(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '\n') out += '\r';
    out += c;
  }
  return out;
}

}  // namespace

// The prompt holds no double quote: make_venv_skeleton() refuses it for Windows, since cmd.exe cannot quote
// one.
std::string render_activate_batch(const Activation& activation) {
  const std::array<Blank, 3> blanks{{{"@BIN@", activation.bin},
                                     {"@PROMPT@", doubled(activation.prompt, "%")},
                                     {"@SHOWN@", doubled(activation.prompt, "%$")}}};
  return with_crlf(fill_blanks(script, blanks));
}

std::string render_deactivate_batch() { return with_crlf(undo); }

}  // namespace axle
