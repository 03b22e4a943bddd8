#include "action/param_file.h"

#include <algorithm>
#include <optional>

#include "axle/base/error.h"
#include "base/text.h"

namespace axle {
namespace {

constexpr int max_depth = 16;
constexpr std::size_t max_arguments = 4'000'000;
constexpr std::size_t max_files = 10'000;  // read, counting repetitions

// Lines without their end; a blank line is an argument, a last empty rest is none.
std::vector<std::string> raw_lines(std::string_view text) {
  std::vector<std::string> lines;
  for (const std::string_view line : split_lines(text)) lines.emplace_back(line);
  return lines;
}

constexpr bool is_plain(char c) noexcept {
  return is_alnum(c) || std::string_view("@%-_+:,./=~").find(c) != std::string_view::npos ||
         (static_cast<unsigned char>(c) & 0x80U) != 0;
}

// The text as Bazel's quoting writes it: words of harmless characters, everything else in single quotes, with
// '\'' for a quote. nullopt for any other text, and where nothing is quoted.
std::optional<std::vector<std::string>> parse_as_quoted(std::string_view text) {
  std::vector<std::string> words;
  bool any_quoted = false;
  std::size_t at = 0;
  while (at < text.size()) {
    std::string word;
    if (text[at] != '\'') {
      while (at < text.size() && is_plain(text[at])) word += text[at++];
      if (word.empty()) return std::nullopt;
    }
    while (at < text.size() && text[at] == '\'') {
      any_quoted = true;
      const std::size_t end = text.find('\'', at + 1);
      if (end == std::string_view::npos) return std::nullopt;
      word += text.substr(at + 1, end - at - 1);
      at = end + 1;
      if (!text.substr(at).starts_with("\\''")) break;
      word += '\'';
      at += 2;
    }
    if (at < text.size() && text[at] == '\r') ++at;
    if (at < text.size() && text[at] != '\n') return std::nullopt;
    ++at;
    words.push_back(std::move(word));
  }
  if (!any_quoted) return std::nullopt;
  return words;
}

// Words as sh splits them, without expansions.
class ShellWords {
 public:
  ShellWords(std::string_view text, const std::string& name) : text_(text), name_(name) {}

  std::vector<std::string> run() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (is_space(c)) {
        finish();
        step();
      } else if (c == '\'') {
        single_quoted();
      } else if (c == '"') {
        double_quoted();
      } else if (c == '\\') {
        step();
        if (at_ >= text_.size()) fail("ends with a backslash");
        if (text_[at_] != '\n') add(text_[at_]);
        step();
      } else {
        add(c);
        step();
      }
    }
    finish();
    return std::move(words_);
  }

 private:
  [[noreturn]] void fail(const char* what) const {
    throw Error(ErrorCode::bad_input, Place{name_, line_}, what, "quote arguments as sh does");
  }
  void step() {
    if (text_[at_] == '\n') ++line_;
    ++at_;
  }
  void add(char c) {
    word_ += c;
    open_ = true;
  }
  void finish() {
    if (open_) words_.push_back(std::move(word_));
    word_.clear();
    open_ = false;
  }
  void single_quoted() {
    open_ = true;
    for (step(); at_ < text_.size() && text_[at_] != '\''; step()) word_ += text_[at_];
    if (at_ >= text_.size()) fail("has a quote that does not end");
    step();
  }
  void double_quoted() {
    open_ = true;
    for (step(); at_ < text_.size() && text_[at_] != '"'; step()) {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) {
        const char next = text_[at_ + 1];
        if (next == '"' || next == '\\' || next == '$' || next == '`') step();
      }
      word_ += text_[at_];
    }
    if (at_ >= text_.size()) fail("has a quote that does not end");
    step();
  }

  std::string_view text_;
  const std::string& name_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
  std::vector<std::string> words_;
  std::string word_;
  bool open_ = false;
};

ParamStyle parse_style(std::string_view text) {
  if (text == "auto") return ParamStyle::automatic;
  if (text == "shell") return ParamStyle::shell;
  if (text == "multiline" || text == "flag_per_line") return ParamStyle::multiline;
  throw Error(ErrorCode::usage, "--param-style " + quoted(text) + " is unknown",
              "auto, shell, multiline or flag_per_line");
}

class Expander {
 public:
  explicit Expander(const ReadText& read) : read_(read) {}

  void take(std::span<const std::string> arguments, int depth) {
    for (std::size_t i = 0; i < arguments.size(); ++i) {
      const std::string& argument = arguments[i];
      const auto value = [&](std::string_view option) -> const std::string& {
        if (++i == arguments.size()) throw Error(ErrorCode::usage, std::string(option) + " needs a value");
        return arguments[i];
      };
      if (argument.starts_with("@@")) {
        add(argument.substr(1));
      } else if (argument.size() > 1 && argument[0] == '@') {
        take_file(argument.substr(1), depth);
      } else if (argument.starts_with("--flagfile=") || argument.starts_with("-flagfile=")) {
        take_file(argument.substr(argument.find('=') + 1), depth);
      } else if (argument == "--flagfile") {
        take_file(value(argument), depth);
      } else if (argument.starts_with("--param-style=")) {
        style_ = parse_style(std::string_view(argument).substr(14));
      } else if (argument == "--param-style") {
        style_ = parse_style(value(argument));
      } else {
        add(argument);
      }
    }
  }

  std::vector<std::string> result() { return std::move(result_); }

 private:
  void take_file(const std::string& path, int depth) {
    if (++files_ > max_files) {
      throw Error(ErrorCode::bad_input, Place{path}, "is one of more than 10,000 parameter files");
    }
    if (depth == max_depth) {
      throw Error(ErrorCode::bad_input, Place{path}, "is named by a parameter file that it names",
                  "write @@x for the argument @x");
    }
    const ParamStyle style = style_;
    take(parse_params(read_(path), style, path), depth + 1);
  }

  void add(std::string argument) {
    if (result_.size() == max_arguments)
      throw Error(ErrorCode::bad_input, "has more than 4,000,000 arguments");
    result_.push_back(std::move(argument));
  }

  const ReadText& read_;
  ParamStyle style_ = ParamStyle::automatic;
  std::size_t files_ = 0;
  std::vector<std::string> result_;
};

}  // namespace

std::vector<std::string> parse_params(std::string_view text, ParamStyle style, const std::string& name) {
  if (style == ParamStyle::shell) return ShellWords(text, name).run();
  if (style == ParamStyle::automatic) {
    if (auto words = parse_as_quoted(text)) return *std::move(words);
  }
  return raw_lines(text);
}

std::vector<std::string> expand_params(std::span<const std::string> arguments, const ReadText& read) {
  Expander expander(read);
  expander.take(arguments, 0);
  return expander.result();
}

}  // namespace axle
