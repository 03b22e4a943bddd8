#pragma once
// A compressed tag set before it is expanded.

#include <axle/pep/tag.h>

#include <optional>
#include <string_view>
#include <vector>

namespace axle {

struct TagParts {
  std::string_view python;
  std::string_view abi;
  std::string_view platform;
};

// nullopt where parse_tag throws. Borrows the text.
std::optional<TagParts> split_tag(std::string_view text) noexcept;
std::vector<Tag> expand_tags(const TagParts& parts);

// Walks over the pieces between the dots.
class TagPieces {
 public:
  explicit TagPieces(std::string_view text) noexcept : rest_(text), done_(false) {}

  std::optional<std::string_view> next() noexcept {
    if (done_) return std::nullopt;
    const std::size_t end = rest_.find('.');
    const std::string_view piece = rest_.substr(0, end);
    done_ = end == std::string_view::npos;
    if (!done_) rest_.remove_prefix(end + 1);
    return piece;
  }

 private:
  std::string_view rest_;
  bool done_;
};

}  // namespace axle
