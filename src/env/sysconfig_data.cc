#include "env/sysconfig_data.h"

#include "base/text.h"

namespace axle {
namespace {

// A tokenizer for the small part of Python's grammar that pprint writes: strings, numbers, names and
// punctuation.
class Literals {
 public:
  explicit Literals(std::string_view text) : text_(text) {}

  // Skips white space and comments.
  void skip() {
    while (at_ < text_.size()) {
      if (is_space(text_[at_])) {
        ++at_;
      } else if (text_[at_] == '#') {
        at_ = std::min(text_.find('\n', at_), text_.size());
      } else {
        return;
      }
    }
  }
  bool take(std::string_view word) {
    skip();
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  // One or more adjacent string literals.
  std::optional<std::string> strings() {
    std::optional<std::string> whole;
    for (skip(); at_ < text_.size() && (text_[at_] == '\'' || text_[at_] == '"'); skip()) {
      if (!whole) whole.emplace();
      if (!one_string(*whole)) return std::nullopt;
    }
    return whole;
  }
  // A number or a name: -1, 0, None, True.
  std::optional<std::string> word() {
    skip();
    const std::size_t begin = at_;
    while (at_ < text_.size() &&
           (is_alnum(text_[at_]) || text_[at_] == '-' || text_[at_] == '.' || text_[at_] == '_')) {
      ++at_;
    }
    if (at_ == begin) return std::nullopt;
    return std::string(text_.substr(begin, at_ - begin));
  }

 private:
  bool one_string(std::string& into) {
    const char quote = text_[at_++];
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == quote) return true;
      if (c == '\n') return false;
      if (c != '\\') {
        into += c;
        continue;
      }
      if (at_ == text_.size()) return false;
      const char escaped = text_[at_++];
      switch (escaped) {
        case 'n':
          into += '\n';
          break;
        case 't':
          into += '\t';
          break;
        case '\\':
        case '\'':
        case '"':
          into += escaped;
          break;
        default:
          // Other escapes occur only in values that are not asked for; kept as they are.
          into += '\\';
          into += escaped;
      }
    }
    return false;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

void set_variable(SysconfigVars& vars, std::string_view key, std::string value) {
  const bool on = !value.empty() && value != "0" && value != "None" && value != "False";
  if (key == "VERSION")
    vars.version = std::move(value);
  else if (key == "ABIFLAGS")
    vars.abi_flags = std::move(value);
  else if (key == "EXT_SUFFIX")
    vars.ext_suffix = std::move(value);
  else if (key == "SOABI")
    vars.soabi = std::move(value);
  else if (key == "PLATLIBDIR")
    vars.platlibdir = std::move(value);
  else if (key == "MULTIARCH")
    vars.multiarch = std::move(value);
  else if (key == "Py_GIL_DISABLED")
    vars.free_threaded = on;
  else if (key == "Py_DEBUG")
    vars.debug = on;
}

}  // namespace

std::optional<SysconfigVars> parse_sysconfig_data(std::string_view python_source) {
  Literals literals(python_source);
  if (!literals.take("build_time_vars") || !literals.take("=") || !literals.take("{")) return std::nullopt;
  SysconfigVars vars;
  while (!literals.take("}")) {
    const std::optional<std::string> key = literals.strings();
    if (!key || !literals.take(":")) return std::nullopt;
    // pprint puts a long text into brackets.
    const bool bracket = literals.take("(");
    std::optional<std::string> value = literals.strings();
    if (!value) value = literals.word();
    if (!value || (bracket && !literals.take(")"))) return std::nullopt;
    set_variable(vars, *key, std::move(*value));
    if (!literals.take(",")) {
      if (!literals.take("}")) return std::nullopt;
      break;
    }
  }
  if (vars.version.empty()) return std::nullopt;
  return vars;
}

std::string parse_patchlevel(std::string_view header) {
  for (std::string_view line : split_lines(header)) {
    constexpr std::string_view directive = "#define PY_VERSION";
    line = trim(line);
    if (!line.starts_with(directive) || line.size() == directive.size() || !is_space(line[directive.size()]))
      continue;
    const std::size_t open = line.find('"');
    if (open == std::string_view::npos) return {};
    const std::size_t close = line.find('"', open + 1);
    if (close == std::string_view::npos) return {};
    std::string_view version = line.substr(open + 1, close - open - 1);
    if (version.ends_with('+')) version.remove_suffix(1);
    return std::string(version);
  }
  return {};
}

std::string find_version_in_binary(std::string_view bytes, std::string_view minor) {
  std::string needle(1, '\0');
  needle += minor;
  needle += '.';
  std::string found;
  for (std::size_t at = bytes.find(needle); at != std::string_view::npos; at = bytes.find(needle, at + 1)) {
    std::string_view text = bytes.substr(at + 1, 24);
    const std::size_t end = text.find('\0');
    if (end == std::string_view::npos) continue;
    text = text.substr(0, end);
    if (text.ends_with('+')) text.remove_suffix(1);
    std::string_view patch = text.substr(needle.size() - 1);
    std::size_t digits = 0;
    while (digits < patch.size() && is_digit(patch[digits])) ++digits;
    if (digits == 0) continue;
    std::string_view rest = patch.substr(digits);
    if (rest.starts_with("rc"))
      rest.remove_prefix(2);
    else if (rest.starts_with('a') || rest.starts_with('b'))
      rest.remove_prefix(1);
    else if (!rest.empty())
      continue;
    bool numeric = true;
    for (char c : rest) numeric = numeric && is_digit(c);
    if (!numeric) continue;
    if (!found.empty() && found != text) return {};
    found = text;
  }
  return found;
}

}  // namespace axle
