#pragma once
// The start tags of an HTML page, one after the other.
//
// Index pages need links and nothing of the tree around them, so this is HTML's tokenizer without its tree
// builder: one pass, no recursion, memory for one tag. A tree builder makes hostile pages expensive: nested
// <div><p> of 160 KB keep gumbo busy for eleven seconds, and unclosed formatting elements multiply.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace axle {

struct HtmlAttribute {
  std::string name;   // lower case
  std::string value;  // character references replaced
};

struct HtmlTag {
  std::string name;  // lower case
  std::vector<HtmlAttribute> attributes;

  // The first of that name, as HTML has it.
  const std::string* find(std::string_view attribute) const noexcept;
};

// spec: HTML Living Standard §13.2.5 (tokenization). The text must outlive the object.
class HtmlTagReader {
 public:
  explicit HtmlTagReader(std::string_view text) noexcept : text_(text) {}

  // The next start tag, nullopt at the end.
  std::optional<HtmlTag> next();
  // True when the text ended within a tag or a comment: it was cut.
  bool is_cut() const noexcept { return cut_; }

 private:
  bool at_end() const noexcept { return at_ >= text_.size(); }
  void skip_past(std::string_view mark);
  void skip_comment();
  void skip_raw_text(std::string_view element);
  std::optional<HtmlTag> read_tag();
  void read_attribute(HtmlTag& tag);
  void skip_space() noexcept;

  std::string_view text_;
  std::size_t at_ = 0;
  bool cut_ = false;
};

// Numeric references and the named ones that URLs and versions need (amp, lt, gt, quot, apos); others stay as
// they are.
std::string decode_html_references(std::string_view text);

}  // namespace axle
