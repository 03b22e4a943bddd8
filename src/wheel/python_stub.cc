#include "axle/wheel/python_stub.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "base/text.h"
#include "wheel/lines.h"

// How two __init__.py are compared
// --------------------------------
// Distributions that share a namespace each bring its __init__.py, and the copies differ: a licence in a
// comment, single or double quotes, a docstring, a line end. They are the same program. So the text is turned
// into Python's tokens (spec: Python reference §2), without comments, line ends inside brackets, blank lines
// and the module's docstring, with one spelling for a string's quotes, and these are hashed, each with its
// kind and length before it.
//
// It must never call two different programs equal. Whatever this small tokenizer cannot read as Python would
// (a declared encoding that is not UTF-8, formatted strings, whose inner quotes changed meaning in 3.12,
// characters outside ASCII but in strings and comments, something left open, indentation by both tabs and
// spaces) makes the whole text unreadable, and then its bytes are compared. Indentation is compared by the
// tokens INDENT and DEDENT, as Python's grammar does.

namespace axle {
namespace {

enum class Kind : char {
  name = 'n',
  number = '0',
  string = 's',
  op = 'o',
  newline = '\n',
  indent = '>',
  dedent = '<'
};

struct Token {
  Kind kind;
  std::string text;  // of a string: prefix, '"', content

  bool is(std::string_view word) const noexcept {
    return (kind == Kind::name || kind == Kind::op) && text == word;
  }
};

bool is_name_char(char c) noexcept { return is_alnum(c) || c == '_'; }

class Tokenizer {
 public:
  explicit Tokenizer(std::string_view text) : rest_(text) {}

  // nullopt: not readable with certainty.
  std::optional<std::vector<Token>> run() {
    while (!rest_.empty()) {
      if (at_line_start_ && depth_ == 0 && !read_indentation()) return std::nullopt;
      if (rest_.empty()) break;
      if (!read_token()) return std::nullopt;
    }
    if (depth_ != 0) return std::nullopt;
    end_line();
    for (; indents_.size() > 1; indents_.pop_back()) add(Kind::dedent, {});
    return std::move(tokens_);
  }

 private:
  void add(Kind kind, std::string_view text) { tokens_.push_back({kind, std::string(text)}); }

  std::string_view take(std::size_t size) {
    const auto piece = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return piece;
  }

  void end_line() {
    if (!tokens_.empty() && tokens_.back().kind != Kind::newline && tokens_.back().kind != Kind::indent &&
        tokens_.back().kind != Kind::dedent) {
      add(Kind::newline, {});
    }
    at_line_start_ = true;
  }

  void skip_comment() { take(std::min(rest_.find_first_of("\r\n"), rest_.size())); }

  // Takes the blanks at the front of a logical line; a line without tokens changes nothing.
  bool read_indentation() {
    std::size_t spaces = 0, tabs = 0;
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\t' || rest_.front() == '\f')) {
      if (rest_.front() == '\f') spaces = tabs = 0;
      if (rest_.front() == ' ') ++spaces;
      if (rest_.front() == '\t') ++tabs;
      rest_.remove_prefix(1);
    }
    if (rest_.empty() || rest_.front() == '\r' || rest_.front() == '\n' || rest_.front() == '#') return true;
    at_line_start_ = false;
    if (spaces != 0 && tabs != 0) return false;
    if (spaces + tabs != 0) {
      const bool uses_tabs = tabs != 0;
      if (tabs_ && *tabs_ != uses_tabs) return false;
      tabs_ = uses_tabs;
    }
    const std::size_t indent = spaces + tabs;
    if (indent > indents_.back()) {
      indents_.push_back(indent);
      add(Kind::indent, {});
      return true;
    }
    for (; indent < indents_.back(); indents_.pop_back()) add(Kind::dedent, {});
    return indent == indents_.back();
  }

  bool read_token() {
    const char c = rest_.front();
    if (c == '\n' || c == '\r') {
      take(rest_.starts_with("\r\n") ? 2 : 1);
      if (depth_ == 0) end_line();
      return true;
    }
    if (c == ' ' || c == '\t' || c == '\f') return take(1), true;
    if (c == '#') return skip_comment(), true;
    if (c == '\\') {
      take(1);
      if (rest_.starts_with("\r\n")) return take(2), true;
      if (rest_.starts_with('\n') || rest_.starts_with('\r')) return take(1), true;
      return false;
    }
    if (c == '"' || c == '\'') return read_string({});
    if (is_digit(c) || (c == '.' && rest_.size() > 1 && is_digit(rest_[1]))) return read_number();
    if (is_name_char(c)) return read_word();
    return read_operator();
  }

  // Numbers are rare in stubs: letters, digits, dots and underscores in a row are one, a signed exponent is
  // refused.
  bool read_number() {
    std::size_t size = 0;
    while (size < rest_.size() && (is_name_char(rest_[size]) || rest_[size] == '.')) ++size;
    const auto text = take(size);
    if ((text.back() == 'e' || text.back() == 'E') && !rest_.empty() &&
        (rest_.front() == '+' || rest_.front() == '-')) {
      return false;
    }
    add(Kind::number, text);
    return true;
  }

  bool read_word() {
    std::size_t size = 0;
    while (size < rest_.size() && is_name_char(rest_[size])) ++size;
    const bool before_quote = size < rest_.size() && (rest_[size] == '"' || rest_[size] == '\'');
    const auto word = take(size);
    if (before_quote) return read_string(word);
    add(Kind::name, word);
    return true;
  }

  bool read_string(std::string_view written_prefix) {
    std::string prefix = ascii_lower(written_prefix);
    std::sort(prefix.begin(), prefix.end());
    static constexpr std::array<std::string_view, 5> plain{"", "b", "r", "br", "u"};
    if (std::find(plain.begin(), plain.end(), prefix) == plain.end()) return false;
    if (prefix == "u") prefix.clear();
    const char quote = rest_.front();
    const std::string three(3, quote);
    const bool triple = rest_.starts_with(three);
    take(triple ? 3 : 1);
    std::string content;
    while (!rest_.empty()) {
      if (triple ? rest_.starts_with(three) : rest_.front() == quote) {
        take(triple ? 3 : 1);
        add(Kind::string, prefix + '"' + content);
        return true;
      }
      const char c = rest_.front();
      if (!triple && (c == '\n' || c == '\r')) return false;
      if (c == '\\') {
        content += take(1);
        if (rest_.empty()) return false;
      }
      // Python reads every line end of a source as LF.
      if (rest_.front() == '\r') {
        take(rest_.starts_with("\r\n") ? 2 : 1);
        content += '\n';
      } else {
        content += take(1);
      }
    }
    return false;
  }

  bool read_operator() {
    static constexpr std::array<std::string_view, 24> longer{
        "**=", "//=", "<<=", ">>=", "...", "->", ":=", "==", "!=", "<=", ">=", "+=",
        "-=",  "*=",  "/=",  "%=",  "&=",  "|=", "^=", "@=", "**", "//", "<<", ">>"};
    for (const auto op : longer) {
      if (rest_.starts_with(op)) return add(Kind::op, take(op.size())), true;
    }
    const char c = rest_.front();
    if (std::string_view("+-*/%@&|^~<>()[]{},:.;=").find(c) == std::string_view::npos) return false;
    if (c == '(' || c == '[' || c == '{') ++depth_;
    if (c == ')' || c == ']' || c == '}') {
      if (depth_ == 0) return false;
      --depth_;
    }
    add(Kind::op, take(1));
    return true;
  }

  std::string_view rest_;
  std::vector<Token> tokens_;
  std::vector<std::size_t> indents_{0};
  std::optional<bool> tabs_;
  std::size_t depth_ = 0;
  bool at_line_start_ = true;
};

// spec: Python reference §2.1.4 "Encoding declarations": a comment in one of the first two lines. Encodings
// that agree with UTF-8 on ASCII are fine for a text of ASCII; others (utf-7) may hide code in a comment.
bool declares_odd_encoding(std::string_view text) {
  LineReader lines(text, LineEnds::universal);
  for (std::string_view line; lines.number() < 2 && lines.next(line);) {
    const auto comment = trim(line);
    if (!comment.starts_with('#')) {
      if (comment.empty()) continue;
      return false;
    }
    const std::size_t at = comment.find("coding");
    if (at == std::string_view::npos || at + 6 >= comment.size()) continue;
    if (comment[at + 6] != ':' && comment[at + 6] != '=') continue;
    std::string codec;
    for (const char c : trim(comment.substr(at + 7))) {
      if (!is_name_char(c) && c != '-' && c != '.') break;
      codec += c == '_' ? '-' : to_lower(c);
    }
    if (codec == "utf-8" || codec == "utf8") continue;
    static constexpr std::array<std::string_view, 6> ascii_like{"ascii",      "us-ascii", "latin-1",
                                                                "iso-8859-1", "latin1",   "iso-8859-15"};
    const bool known = std::find(ascii_like.begin(), ascii_like.end(), codec) != ascii_like.end();
    const bool ascii =
        std::all_of(text.begin(), text.end(), [](char c) { return static_cast<signed char>(c) >= 0; });
    if (!known || !ascii) return true;
  }
  return false;
}

std::optional<std::vector<Token>> tokenize(std::string_view text) {
  if (text.size() > max_stub_size || !is_utf8(text) || text.find('\0') != std::string_view::npos)
    return std::nullopt;
  if (text.starts_with(utf8_bom)) text.remove_prefix(utf8_bom.size());
  if (declares_odd_encoding(text)) return std::nullopt;
  auto tokens = Tokenizer(text).run();
  if (!tokens) return std::nullopt;
  // The docstring: a first statement of text strings alone.
  std::size_t strings = 0;
  const auto is_text = [](const Token& token) {
    return token.kind == Kind::string && (token.text.front() == '"' || token.text.starts_with("r\""));
  };
  const bool read =
      std::any_of(tokens->begin(), tokens->end(), [](const Token& token) { return token.is("__doc__"); });
  while (!read && strings < tokens->size() && is_text((*tokens)[strings])) ++strings;
  const auto ends_statement = [](const Token& token) { return token.kind == Kind::newline || token.is(";"); };
  if (strings > 0 && strings < tokens->size() && ends_statement((*tokens)[strings])) {
    tokens->erase(tokens->begin(), tokens->begin() + static_cast<std::ptrdiff_t>(strings) + 1);
  }
  return tokens;
}

template <std::size_t N>
bool contains(const std::vector<Token>& tokens, const std::array<std::string_view, N>& words) {
  return std::search(tokens.begin(), tokens.end(), words.begin(), words.end(),
                     [](const Token& token, std::string_view word) { return token.is(word); }) !=
         tokens.end();
}

InitKind kind_of(const std::vector<Token>& tokens) {
  static constexpr std::array<std::string_view, 4> declare{"declare_namespace", "(", "__name__", ")"};
  static constexpr std::array<std::string_view, 6> extend{"extend_path", "(",        "__path__",
                                                          ",",           "__name__", ")"};
  const bool empty = std::all_of(tokens.begin(), tokens.end(), [](const Token& token) {
    return token.kind == Kind::newline || token.is(";");
  });
  if (empty) return InitKind::empty;
  if (contains(tokens, declare)) return InitKind::pkg_resources;
  if (contains(tokens, extend)) return InitKind::pkgutil;
  return InitKind::regular;
}

Sha256 digest_of(const std::vector<Token>& tokens) {
  Hasher hasher;
  hasher.update("tokens:");
  for (const Token& token : tokens) {
    hasher.update(std::string{static_cast<char>(token.kind)} + std::to_string(token.text.size()) + ':' +
                  token.text);
  }
  return hasher.finish_sha256();
}

// Whether the first token may be something else than a name, as it is in a text without statements: at most
// one string. What looks like a name and goes on to a quote is a string's prefix.
bool may_be_empty(std::string_view text) {
  LineReader lines(text, LineEnds::universal);
  for (std::string_view line; lines.next(line);) {
    if (line.empty() || line.front() == '#') continue;
    const auto end = std::find_if_not(line.begin(), line.end(), is_name_char);
    return end == line.begin() || (end != line.end() && (*end == '"' || *end == '\''));
  }
  return true;
}

}  // namespace

std::string_view to_string(InitKind kind) noexcept {
  static constexpr std::array<std::string_view, 4> names{"regular", "empty", "pkgutil", "pkg_resources"};
  return names[static_cast<std::size_t>(kind) % names.size()];
}

InitMeaning classify_init(std::string_view text) {
  InitMeaning meaning;
  const auto tokens = tokenize(text);
  if (!tokens) {
    Hasher hasher;
    hasher.update("bytes:");
    hasher.update(text);
    meaning.token_digest = hasher.finish_sha256();
    return meaning;
  }
  meaning.token_digest = digest_of(*tokens);
  meaning.kind = kind_of(*tokens);
  return meaning;
}

std::optional<InitMeaning> find_stub(std::string_view text) {
  const auto has = [&](std::string_view word) { return text.find(word) != std::string_view::npos; };
  if (!may_be_empty(text) && !has("declare_namespace") && !has("extend_path")) return std::nullopt;
  const auto tokens = tokenize(text);
  if (!tokens) return std::nullopt;
  InitMeaning meaning;
  meaning.kind = kind_of(*tokens);
  if (meaning.kind == InitKind::regular) return std::nullopt;
  meaning.token_digest = digest_of(*tokens);
  return meaning;
}

bool same_tokens(std::string_view a, std::string_view b) {
  return a == b || classify_init(a).token_digest == classify_init(b).token_digest;
}

}  // namespace axle
