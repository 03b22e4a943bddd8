// The first lines of scripts.
//
// The kernel takes a first line "#!PATH ARGUMENT": at most 127 bytes on old Linux (later ones 255, macOS
// 512), no space in PATH, everything after it as one argument. Where that does not do, the script begins as a
// program for /bin/sh that Python reads as a string:
//
//     #!/bin/sh
//     '''exec' '/a path/python' "$0" "$@"
//     ' '''
//
// For the shell ''' is an empty text and the opening of 'exec'; exec never returns, so it reads no further.
// For Python the three quotes open a string that ends on the third line. So the quoted path must be right in
// both languages: it never holds three apostrophes in a row, and a backslash is written "\\", which is one
// backslash in both.

#include "plan/launcher_scripts.h"

#include <array>
#include <cstdint>
#include <vector>

#include "axle/base/error.h"
#include "base/text.h"
#include "plan/windows_launcher.h"

namespace axle {
namespace {

constexpr std::size_t kernel_limit = 127;
constexpr std::size_t macos_limit = 512;

void check_path(std::string_view path) {
  for (char c : path) {
    if (static_cast<unsigned char>(c) < 0x20 && c != '\t') {
      throw Error(ErrorCode::usage, "the interpreter's path " + quoted(path) + " holds a control character",
                  "use an environment and an interpreter without such characters in their paths");
    }
  }
  if (path.empty() || !is_utf8(path)) {
    throw Error(ErrorCode::usage, "the interpreter's path " + quoted(path) + " is not UTF-8",
                "Python reads scripts as UTF-8: use a path that is");
  }
}

// `text` as words that are the same for /bin/sh and inside a Python string of three apostrophes.
std::string quote_for_both(std::string_view text) {
  std::string out;
  bool open = false;
  const auto toggle = [&](bool want) {
    if (open != want) out += '\'';
    open = want;
  };
  for (char c : text) {
    if (c == '\'' || c == '\\') {
      toggle(false);
      out += c == '\'' ? "\"'\"" : "\"\\\\\"";
    } else {
      toggle(true);
      out += c;
    }
  }
  toggle(false);
  return out.empty() ? "''" : out;
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  for (text = trim(text); !text.empty(); text = trim(text)) {
    std::size_t end = 0;
    while (end < text.size() && !is_space(text[end])) ++end;
    words.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return words;
}

// The directory of the script, by the shell alone. A link made by the user is followed (readlink is asked for
// only then); a name without a slash is in the working directory or on PATH.
constexpr std::string_view own_directory = R"sh("$(
p=$0
case $p in (*/*) ;; (*) if [ -f "$p" ]; then p=./$p; else p=$(command -v -- "$p"); fi ;; esac
while [ -h "$p" ] && l=$(readlink "$p"); do case $l in (/*) p=$l ;; (*) p=${p%/*}/$l ;; esac; done
printf %s "${p%/*}"
)")sh";

std::string render_polyglot(const ScriptInterpreter& interpreter,
                            const std::vector<std::string_view>& words) {
  std::string line = "'''exec' ";
  if (interpreter.relocatable) {
    const std::string_view path = interpreter.executable;
    line += own_directory;
    line += "/" + quote_for_both(path.substr(path.rfind('/') + 1));
  } else {
    line += quote_for_both(interpreter.executable);
  }
  for (std::string_view word : words) line += " " + quote_for_both(word);
  return line + " \"$0\" \"$@\"\n' '''\n";
}

// spec: PEP 263, a comment on the first or second line.
bool is_coding_cookie(std::string_view line) {
  line = trim(line);
  if (!line.starts_with('#')) return false;
  const std::size_t at = line.find("coding");
  return at != std::string_view::npos && at + 6 < line.size() && (line[at + 6] == ':' || line[at + 6] == '=');
}

std::string render_windows_shebang(std::string_view path, const std::vector<std::string_view>& words) {
  const bool spaced = path.find(' ') != std::string_view::npos;
  std::string line = spaced ? "#!\"" + std::string(path) + "\"" : "#!" + std::string(path);
  for (std::string_view word : words) line += " " + std::string(word);
  return line + "\n";
}

// `second` is a line that must stay the second one, with its end, or "".
std::string render_start(const ScriptInterpreter& interpreter, std::string_view arguments,
                         std::string_view second) {
  check_path(interpreter.executable);
  if (arguments.find_first_of(std::string_view("\n\r\0", 3)) != std::string_view::npos ||
      !is_utf8(arguments)) {
    throw Error(ErrorCode::bad_input, "the arguments after #!python are not one line of UTF-8 text");
  }
  const std::vector<std::string_view> words = words_of(arguments);
  if (interpreter.os == Os::windows) {
    return render_windows_shebang(interpreter.executable, words) + std::string(second);
  }
  // The kernel would hand several words over as one.
  if (!interpreter.relocatable && words.size() <= 1 &&
      interpreter.executable.find_first_of(" \t") == std::string::npos) {
    std::string line = "#!" + interpreter.executable;
    if (!words.empty()) line += " " + std::string(words[0]);
    line += "\n";
    if (line.size() <= (interpreter.os == Os::macos ? macos_limit : kernel_limit))
      return line + std::string(second);
  }
  return "#!/bin/sh\n" + std::string(second) + render_polyglot(interpreter, words);
}

bool is_identifier(std::string_view text) {
  if (text.empty() || is_digit(text[0]) || !is_utf8(text)) return false;
  for (char c : text) {
    if (!is_alnum(c) && c != '_' && static_cast<unsigned char>(c) < 0x80) return false;
  }
  return true;
}

void check_dotted(std::string_view text) {
  for (std::string_view part : split(text, '.')) {
    if (!is_identifier(part)) {
      throw Error(ErrorCode::bad_input, "entry point: " + quoted(text) + " is no dotted Python name");
    }
  }
}

bool is_ascii(std::string_view text) {
  for (char c : text) {
    if (static_cast<unsigned char>(c) >= 0x80) return false;
  }
  return true;
}

// A Python string literal of identifiers, in ASCII.
std::string python_literal(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string literal = "\"";
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    if (lead < 0x80) {
      literal += text[i++];
      continue;
    }
    const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    std::uint32_t code = lead & (0xFFU >> (length + 1));
    for (std::size_t k = 1; k < length; ++k)
      code = (code << 6) | (static_cast<unsigned char>(text[i + k]) & 0x3FU);
    literal += "\\U";
    for (int shift = 28; shift >= 0; shift -= 4) literal += digits[(code >> shift) & 0xFU];
    i += length;
  }
  return literal + "\"";
}

// How Python comes to what an entry point calls.
struct Callee {
  std::string imports;     // lines
  std::string expression;  // without "()"
};

Callee import_callee(const EntryPointCall& call) {
  check_dotted(call.module);
  check_dotted(call.attribute);
  if (is_ascii(call.module) && is_ascii(call.attribute)) {
    const std::string name = call.attribute.substr(0, call.attribute.find('.'));
    return {"from " + call.module + " import " + name + "\n", call.attribute};
  }
  // Names beyond ASCII are looked up by text, so that no locale and no coding matters.
  return {"from functools import reduce\nfrom importlib import import_module\n",
          "reduce(getattr, " + python_literal(call.attribute) + ".split(\".\"), import_module(" +
              python_literal(call.module) + "))"};
}

}  // namespace

std::string render_shebang(const ScriptInterpreter& interpreter, std::string_view arguments) {
  return render_start(interpreter, arguments, {});
}

std::string render_entry_point_main(const EntryPointCall& call) {
  const Callee callee = import_callee(call);
  return "import sys\n" + callee.imports +
         "if __name__ == \"__main__\":\n"
         "    for suffix in (\"-script.pyw\", \"-script.py\", \".exe\"):\n"
         "        if sys.argv[0].endswith(suffix):\n"
         "            sys.argv[0] = sys.argv[0][:-len(suffix)]\n"
         "            break\n"
         "    sys.exit(" +
         callee.expression + "())\n";
}

std::string render_entry_point_code(const EntryPointCall& call) {
  const Callee callee = import_callee(call);
  // Python before 3.11 knows only -I to leave the working directory out.
  return "import sys\n"
         "if not getattr(sys.flags, \"safe_path\", sys.flags.isolated):\n"
         "    del sys.path[0]\n"
         "del sys.argv[0]\n" +
         callee.imports + "sys.exit(" + callee.expression + "())\n";
}

std::string render_entry_point(const EntryPointCall& call, const ScriptInterpreter& interpreter,
                               std::string_view arguments) {
  return render_shebang(interpreter, arguments) + render_entry_point_main(call);
}

bool wants_rewrite(std::string_view content) noexcept { return content.starts_with("#!python"); }

std::optional<std::string> rewrite_script(std::string_view content, const ScriptInterpreter& interpreter) {
  if (!wants_rewrite(content)) return std::nullopt;
  const std::size_t end = std::min(content.find('\n'), content.size());
  std::string_view line = content.substr(0, end);
  content.remove_prefix(std::min(end + 1, content.size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  // "#!python", "#!pythonw", "#!python3": the word as a whole is replaced.
  std::size_t word = 2;
  while (word < line.size() && !is_space(line[word])) ++word;
  ScriptInterpreter chosen = interpreter;
  if (interpreter.os == Os::windows && line.substr(2, word - 2) == "pythonw") {
    chosen.executable = with_w(chosen.executable);
  }
  std::string_view second;
  if (const std::size_t next = std::min(content.find('\n'), content.size());
      is_coding_cookie(content.substr(0, next))) {
    second = content.substr(0, std::min(next + 1, content.size()));
    content.remove_prefix(second.size());
  }
  std::string kept(second);
  if (!kept.empty() && !kept.ends_with('\n')) kept += '\n';
  return render_start(chosen, line.substr(word), kept) + std::string(content);
}

}  // namespace axle
