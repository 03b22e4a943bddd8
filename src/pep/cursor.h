#pragma once
// The tokens that markers and requirements share. spec: PEP 508 "Grammar"; only spaces and tabs separate
// tokens.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace axle {

// A place in a text that moves forward token by token. Borrows the text.
class Cursor {
 public:
  // `what` names the whole in messages: "marker".
  Cursor(std::string_view text, std::string_view what) noexcept : text_(text), what_(what) {}

  std::string_view rest() const noexcept { return text_.substr(position_); }
  bool at_end() const noexcept { return position_ == text_.size(); }
  char peek() const noexcept { return at_end() ? '\0' : text_[position_]; }

  std::string_view take(std::size_t length) noexcept;
  bool take_if(std::string_view token) noexcept;   // "==", "("
  bool take_word(std::string_view word) noexcept;  // only when no letter, digit or '_' follows
  bool skip_blanks() noexcept;                     // whether there were any
  // A name of letters, digits, '.', '_' and '-'; nullopt when there is none here.
  std::optional<std::string_view> take_identifier() noexcept;

  // Throws Error(bad_input): 'invalid marker "...", column N: expected ...'.
  [[noreturn]] void fail(std::string_view message) const;

 private:
  std::string_view text_;
  std::string_view what_;
  std::size_t position_ = 0;
};

// The value of a Python string literal without its quotes, escapes resolved. nullopt where Python has a
// syntax error, and for \N{...} and surrogates, which no marker needs.
std::optional<std::string> unescape_python(std::string_view literal);

}  // namespace axle
