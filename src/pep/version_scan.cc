#include "pep/version_scan.h"

#include <initializer_list>

#include "base/text.h"
#include "pep/scan.h"

namespace axle {
namespace {

constexpr bool is_separator(char c) noexcept { return c == '.' || c == '_' || c == '-'; }

// A reader that only moves forward over the text. Everything after the release is optional and greedy, and
// giving back what was taken never makes a longer match, so no backtracking is needed.
class Reader {
 public:
  explicit Reader(std::string_view text) noexcept : text_(text) {}

  std::size_t position() const noexcept { return position_; }
  std::string_view rest() const noexcept { return text_.substr(position_); }
  char peek(std::size_t ahead = 0) const noexcept {
    return position_ + ahead < text_.size() ? text_[position_ + ahead] : '\0';
  }
  std::string_view take(std::size_t length) noexcept {
    const std::string_view taken = text_.substr(position_, length);
    position_ += length;
    return taken;
  }
  std::string_view take_digits() noexcept { return take(digits_at_front(rest()).size()); }

  // "[._-]? LETTER [._-]? [0-9]*", where LETTER is the first of `letters` that fits. Takes nothing without a
  // letter.
  bool take_suffix(std::initializer_list<std::string_view> letters, std::string_view& letter,
                   std::string_view& number) noexcept {
    const std::size_t skip = is_separator(peek()) ? 1 : 0;
    const std::string_view after = rest().substr(skip);
    for (const std::string_view candidate : letters) {
      if (!ascii_iequal(after.substr(0, candidate.size()), candidate)) continue;
      take(skip);
      letter = take(candidate.size());
      if (is_separator(peek())) take(1);
      number = take_digits();
      return true;
    }
    return false;
  }

 private:
  std::string_view text_;
  std::size_t position_ = 0;
};

}  // namespace

std::optional<VersionScan> scan_version(std::string_view text) noexcept {
  Reader in(text);
  VersionScan scan;
  if (to_lower(in.peek()) == 'v') in.take(1);

  const std::size_t digits = digits_at_front(in.rest()).size();
  if (digits == 0) return std::nullopt;
  if (in.peek(digits) == '!') {
    scan.epoch = in.take(digits);
    in.take(1);
    if (!is_digit(in.peek())) return std::nullopt;
  }

  const std::size_t release_begin = in.position();
  in.take_digits();
  while (in.peek() == '.' && is_digit(in.peek(1))) {
    in.take(1);
    in.take_digits();
  }
  scan.release_end = in.position();
  scan.release = text.substr(release_begin, scan.release_end - release_begin);

  in.take_suffix({"alpha", "a", "beta", "b", "preview", "pre", "c", "rc"}, scan.pre_letter, scan.pre_number);
  if (in.peek() == '-' && is_digit(in.peek(1))) {
    scan.post_letter = in.take(1);
    scan.post_number = in.take_digits();
  } else {
    in.take_suffix({"post", "rev", "r"}, scan.post_letter, scan.post_number);
  }
  in.take_suffix({"dev"}, scan.dev_letter, scan.dev_number);
  scan.public_end = in.position();

  if (in.peek() == '+' && is_alnum(in.peek(1))) {
    in.take(1);
    const std::size_t local_begin = in.position();
    while (is_alnum(in.peek()) || (is_separator(in.peek()) && is_alnum(in.peek(1)))) in.take(1);
    scan.local = text.substr(local_begin, in.position() - local_begin);
  }
  scan.end = in.position();
  return scan;
}

}  // namespace axle
