// PowerShell, on every system. The script always finds its own place.

#include <array>

#include "base/text.h"
#include "plan/activate.h"

namespace axle {
namespace {

constexpr std::string_view script = R"ps(# Dot-source this file in PowerShell:  . @BIN@/Activate.ps1
# "deactivate" takes it back.

function global:deactivate ([switch]$NonDestructive) {
    if (Test-Path variable:_OLD_VIRTUAL_PATH) {
        $env:PATH = $global:_OLD_VIRTUAL_PATH
        Remove-Variable "_OLD_VIRTUAL_PATH" -Scope global
    }
    if (Test-Path variable:_OLD_VIRTUAL_PYTHONHOME) {
        $env:PYTHONHOME = $global:_OLD_VIRTUAL_PYTHONHOME
        Remove-Variable "_OLD_VIRTUAL_PYTHONHOME" -Scope global
    }
    if (Test-Path function:_axle_outer_prompt) {
        $function:prompt = $function:_axle_outer_prompt
        Remove-Item function:_axle_outer_prompt
    }
    if (Test-Path env:VIRTUAL_ENV) { Remove-Item env:VIRTUAL_ENV }
    if (Test-Path env:VIRTUAL_ENV_PROMPT) { Remove-Item env:VIRTUAL_ENV_PROMPT }
    if (-not $NonDestructive) { Remove-Item function:deactivate }
}

deactivate -NonDestructive

$env:VIRTUAL_ENV = Split-Path -Path $PSScriptRoot -Parent
$env:VIRTUAL_ENV_PROMPT = @PROMPT@

New-Variable -Scope global -Name _OLD_VIRTUAL_PATH -Value $env:PATH
$env:PATH = $PSScriptRoot + [System.IO.Path]::PathSeparator + $env:PATH

if (Test-Path env:PYTHONHOME) {
    New-Variable -Scope global -Name _OLD_VIRTUAL_PYTHONHOME -Value $env:PYTHONHOME
    Remove-Item env:PYTHONHOME
}

if (-not $env:VIRTUAL_ENV_DISABLE_PROMPT) {
    function global:_axle_outer_prompt { "" }
    $function:_axle_outer_prompt = $function:prompt
    function global:prompt {
        Write-Host -NoNewline ("(" + $env:VIRTUAL_ENV_PROMPT + ") ")
        _axle_outer_prompt
    }
}
)ps";

// PowerShell takes the typographic quotes U+2018 to U+201B for the plain one, also as the end of a string.
std::string quote(std::string_view text) {
  std::string out = "'";
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::string_view rest = text.substr(i);
    if (rest.front() == '\'') {
      out += "''";
    } else if (rest.starts_with("\xE2\x80\x98") || rest.starts_with("\xE2\x80\x99") ||
               rest.starts_with("\xE2\x80\x9A") || rest.starts_with("\xE2\x80\x9B")) {
      out += rest.substr(0, 3);
      out += rest.substr(0, 3);
      i += 2;
    } else {
      out += rest.front();
    }
  }
  return out + "'";
}

}  // namespace

std::string render_activate_powershell(const Activation& activation) {
  const std::array<Blank, 2> blanks{{{"@BIN@", activation.bin}, {"@PROMPT@", quote(activation.prompt)}}};
  std::string text = fill_blanks(script, blanks);
  // Windows PowerShell 5 reads a file without a mark in the system's code page.
  for (char c : text) {
    if (static_cast<unsigned char>(c) >= 0x80) return "\xEF\xBB\xBF" + text;
  }
  return text;
}

}  // namespace axle
