#pragma once
// A path that cannot leave its root.

#include <compare>
#include <optional>
#include <string>
#include <string_view>

namespace axle {

// A non-empty relative path of normal components joined by '/', valid on every target platform.
// It cannot hold "", an absolute path, "." or "..", an empty component, a backslash, a colon (drive letters,
// NTFS streams), control characters or NUL, invalid UTF-8, a component that ends in a dot or a space, a
// Windows device name (CON, aux.txt, ...), a component over 255 bytes or more than 4,096 bytes in all.
// Comparison is by component, so that a directory's content is contiguous and follows the directory.
class RelPath {
 public:
  // Throws Error(bad_input) that quotes the text and says which rule it breaks.
  static RelPath parse(std::string_view text);
  static std::optional<RelPath> try_parse(std::string_view text);

  const std::string& str() const noexcept { return text_; }
  const char* c_str() const noexcept { return text_.c_str(); }
  std::string_view name() const noexcept;    // the last component
  std::optional<RelPath> parent() const;     // nullopt for a single component
  RelPath join(const RelPath& below) const;  // throws Error(bad_input) when it gets too long
  // True when this path is `dir` or lies below it.
  bool is_within(const RelPath& dir) const noexcept;

  friend bool operator==(const RelPath&, const RelPath&) = default;
  friend std::strong_ordering operator<=>(const RelPath& a, const RelPath& b) noexcept;

 private:
  explicit RelPath(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

// Why `text` is no RelPath, or nullptr when it is one. The text is a phrase: "contains '..'".
const char* rel_path_fault(std::string_view text) noexcept;

// Orders paths by component: '/' sorts before every other character.
std::strong_ordering compare_paths(std::string_view a, std::string_view b) noexcept;

}  // namespace axle
