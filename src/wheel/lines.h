#pragma once
// Lines as Python splits them, which is not always where C++ programs do.

#include <cstddef>
#include <string_view>

namespace axle {

constexpr std::string_view utf8_bom = "\xEF\xBB\xBF";

// Where lines end. universal: LF, CRLF, CR (text files). unicode: also VT, FF, FS, GS, RS, NEL, LS, PS
// (str.splitlines).
enum class LineEnds { universal, unicode };

// Hands out lines without their ends, counting from 1.
class LineReader {
 public:
  LineReader(std::string_view text, LineEnds ends) noexcept : rest_(text), ends_(ends) {}

  bool next(std::string_view& line) noexcept;
  std::size_t number() const noexcept { return number_; }   // of the line given last
  std::string_view rest() const noexcept { return rest_; }  // what follows it

 private:
  std::string_view rest_;
  LineEnds ends_;
  std::size_t number_ = 0;
};

// The length in bytes of the white space character (as Python's str.isspace says, in UTF-8) at the front or
// at the back of `text`; 0 when there is none.
std::size_t leading_space(std::string_view text) noexcept;
std::size_t trailing_space(std::string_view text) noexcept;
std::string_view strip_unicode(std::string_view text) noexcept;
std::string_view rstrip_unicode(std::string_view text) noexcept;

// True when every character could be one of Python's \w: ASCII letters, digits and '_', and of the others all
// that are not spaces, controls, punctuation, symbols or private, to the precision of blocks. `text` must be
// UTF-8.
bool is_word(std::string_view text) noexcept;
// The same without a digit in front: close to str.isidentifier. Nothing in it can end a token of Python.
bool is_identifier(std::string_view text) noexcept;

}  // namespace axle
