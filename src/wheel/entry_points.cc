#include "axle/wheel/entry_points.h"

#include <algorithm>
#include <set>
#include <utility>

#include "axle/base/error.h"
#include "axle/base/rel_path.h"
#include "base/text.h"
#include "wheel/header_version.h"
#include "wheel/lines.h"

namespace axle {
namespace {

[[noreturn]] void fail(std::string_view name, std::size_t line, std::string message, std::string hint = {}) {
  throw Error(ErrorCode::bad_input, Place{std::string(name), line, 1}, std::move(message), std::move(hint));
}

// "a.b.c" of identifiers.
bool is_dotted(std::string_view text) {
  const auto parts = split(text, '.');
  return std::all_of(parts.begin(), parts.end(), is_identifier);
}

// `[\w.-]+`, and a single file name on every platform.
bool is_script_name(std::string_view name) {
  std::string without;
  for (const char c : name) {
    if (c != '.' && c != '-') without += c;
  }
  return (without.empty() || is_word(without)) && RelPath::try_parse(name).has_value();
}

struct Line {
  std::size_t number;
  EntryPoint entry;
};

void check(const Line& line, std::string_view name) {
  const std::string& group = line.entry.group;
  const std::string& key = line.entry.name;
  const std::string& value = line.entry.value;
  const auto what = [&] { return quoted(key) + " in [" + group + "]"; };
  if (is_script_group(group) && !is_script_name(key)) {
    fail(name, line.number, "entry point " + what() + " is no name for a program",
         "names are made of letters, digits, '_', '.' and '-'");
  }
  try {
    const ObjectReference reference = parse_object_reference(value);
    if (is_script_group(group) && reference.attribute.empty()) {
      fail(name, line.number,
           "entry point " + what() + " has the value " + quoted(value) + ", which names no function",
           "write module:function");
    }
  } catch (const Error& error) {
    if (!error.place().file.empty()) throw;
    fail(name, line.number, "entry point " + what() + ": " + error.message(), error.hint());
  }
}

}  // namespace

bool is_script_group(std::string_view group) noexcept {
  return group == "console_scripts" || group == "gui_scripts";
}

// Follows configparser line by line, with strict=True, delimiters=("=",) and a str that keeps the case of
// names: a line that is indented deeper than the name above it continues that name's value.
std::vector<EntryPoint> parse_entry_points(std::string_view text, std::string_view name) {
  check_text(text, name);
  std::vector<Line> entries;
  std::set<std::string, std::less<>> groups;
  std::set<std::pair<std::string_view, std::string>> keys;  // the group's text lives in `groups`
  const std::string* group = nullptr;
  bool in_value = false;
  std::size_t indent = 0;
  LineReader lines(text, LineEnds::universal);
  for (std::string_view raw; lines.next(raw);) {
    const auto line = strip_unicode(raw);
    if (line.empty()) {
      if (in_value) entries.back().entry.value += '\n';
      continue;
    }
    if (line.front() == '#' || line.front() == ';') continue;
    const auto depth = static_cast<std::size_t>(line.data() - raw.data());
    if (in_value && depth > indent) {
      entries.back().entry.value += '\n';
      entries.back().entry.value += line;
      continue;
    }
    indent = depth;
    const std::size_t bracket = line.front() == '[' ? line.rfind(']') : std::string_view::npos;
    if (bracket != std::string_view::npos && bracket > 1) {
      const auto [at, fresh] = groups.emplace(line.substr(1, bracket - 1));
      if (!fresh) fail(name, lines.number(), "section [" + *at + "] comes twice");
      group = &*at;
      in_value = false;
      continue;
    }
    if (group == nullptr) fail(name, lines.number(), "has text outside a section: " + quoted(line));
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) {
      fail(name, lines.number(), quoted(line) + " is neither a section nor \"name = value\"");
    }
    const std::string key(rstrip_unicode(line.substr(0, equals)));
    if (key.empty()) fail(name, lines.number(), quoted(line) + " has no name before '='");
    if (!keys.emplace(*group, key).second) {
      fail(name, lines.number(), quoted(key) + " comes twice in [" + *group + "]");
    }
    entries.push_back({lines.number(), {*group, key, std::string(strip_unicode(line.substr(equals + 1)))}});
    in_value = true;
  }
  std::vector<EntryPoint> out;
  for (Line& line : entries) {
    line.entry.value = std::string(rstrip_unicode(line.entry.value));
    check(line, name);
    out.push_back(std::move(line.entry));
  }
  return out;
}

// spec: "Entry points specification", object reference: importable.module[:object.attr], optionally followed
// by [extra1,extra2].
ObjectReference parse_object_reference(std::string_view value) {
  const auto bad = [&]() {
    return Error(ErrorCode::bad_input, quoted(value) + " is no object reference",
                 "an object reference is module:attribute [extras]");
  };
  ObjectReference reference;
  auto text = strip_unicode(value);
  if (text.ends_with(']')) {
    const std::size_t open = text.find('[');
    if (open == std::string_view::npos) throw bad();
    const auto inside = text.substr(open + 1, text.size() - open - 2);
    if (inside.find_first_of("[]\n") != std::string_view::npos) throw bad();
    for (const auto piece : split(inside, ',')) {
      const auto extra = strip_unicode(piece);
      if (!extra.empty()) reference.extras.emplace_back(extra);
    }
    text = rstrip_unicode(text.substr(0, open));
  }
  const std::size_t colon = text.find(':');
  const auto module = rstrip_unicode(text.substr(0, colon));
  if (!is_dotted(module)) throw bad();
  reference.module = std::string(module);
  if (colon != std::string_view::npos) {
    const auto attribute = strip_unicode(text.substr(colon + 1));
    if (!is_dotted(attribute)) throw bad();
    reference.attribute = std::string(attribute);
  }
  return reference;
}

bool is_reserved_script_name(std::string_view name) noexcept {
  std::string lower = ascii_lower(name);
  std::string_view stem = lower;
  for (const std::string_view suffix : {".exe", ".py", ".pyw"}) {
    if (stem.ends_with(suffix)) stem.remove_suffix(suffix.size());
  }
  if (stem == "activate" || stem == "activate_this" || stem.starts_with("activate.")) return true;
  for (const std::string_view interpreter : {"pythonw", "python", "pypyw", "pypy", "graalpy"}) {
    if (!stem.starts_with(interpreter)) continue;
    auto rest = stem.substr(interpreter.size());
    // A version: "", "3", "3.12", "3.13t", "3t".
    if (rest.empty()) return true;
    if (!is_digit(rest.front())) continue;
    while (!rest.empty() && (is_digit(rest.front()) || rest.front() == '.')) rest.remove_prefix(1);
    if (rest.empty() || rest == "t" || rest == "d" || rest == "td") return true;
  }
  return false;
}

}  // namespace axle
