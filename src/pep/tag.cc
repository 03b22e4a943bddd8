#include <axle/base/error.h>
#include <axle/pep/tag.h>

#include <algorithm>

#include "base/text.h"
#include "pep/tag_parts.h"

namespace axle {
namespace {

// str.isidentifier(); bytes beyond ASCII pass as letters.
bool is_identifier(std::string_view text) noexcept {
  if (text.empty() || is_digit(text.front())) return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return is_alnum(c) || c == '_' || static_cast<unsigned char>(c) >= 0x80; });
}

std::string join(std::string_view interpreter, std::string_view abi, std::string_view platform) {
  std::string out;
  out.reserve(interpreter.size() + abi.size() + platform.size() + 2);
  ((((out += interpreter) += '-') += abi) += '-') += platform;
  return out;
}

}  // namespace

std::string Tag::str() const { return join(interpreter, abi, platform); }

std::optional<TagParts> split_tag(std::string_view text) noexcept {
  const std::size_t first = text.find('-');
  const std::size_t second = first == std::string_view::npos ? first : text.find('-', first + 1);
  if (second == std::string_view::npos || text.find('-', second + 1) != std::string_view::npos) {
    return std::nullopt;
  }
  const TagParts parts{text.substr(0, first), text.substr(first + 1, second - first - 1),
                       text.substr(second + 1)};
  std::size_t count = 1;
  for (const std::string_view part : {parts.python, parts.abi, parts.platform}) {
    if (part.empty() || part.front() == '.' || part.back() == '.' ||
        part.find("..") != std::string_view::npos) {
      return std::nullopt;
    }
    // Each part is far shorter than 2^21 components, or the product is refused before it can overflow.
    count *= static_cast<std::size_t>(std::count(part.begin(), part.end(), '.')) + 1;
    if (count > max_tags_of_wheel) return std::nullopt;
  }
  for (TagPieces pieces(parts.python); const auto piece = pieces.next();) {
    if (!is_identifier(*piece)) return std::nullopt;
  }
  return parts;
}

std::vector<Tag> expand_tags(const TagParts& parts) {
  std::vector<Tag> tags;
  for (TagPieces pythons(parts.python); const auto python = pythons.next();) {
    for (TagPieces abis(parts.abi); const auto abi = abis.next();) {
      for (TagPieces platforms(parts.platform); const auto platform = platforms.next();) {
        tags.push_back(Tag{ascii_lower(*python), ascii_lower(*abi), ascii_lower(*platform)});
      }
    }
  }
  std::sort(tags.begin(), tags.end());
  tags.erase(std::unique(tags.begin(), tags.end()), tags.end());
  return tags;
}

std::vector<Tag> parse_tag(std::string_view text) {
  const auto parts = split_tag(text);
  if (!parts) throw Error(ErrorCode::bad_input, quoted(text) + " is not a compatibility tag");
  return expand_tags(*parts);
}

TagSet::TagSet(std::span<const Tag> best_first) {
  ranks_.reserve(best_first.size());
  for (std::size_t i = 0; i < best_first.size(); ++i) ranks_.try_emplace(best_first[i].str(), i);
}

TagSet::TagSet(const TagTarget& target) : TagSet(std::span<const Tag>(compatible_tags(target))) {}

std::optional<std::size_t> TagSet::rank(const Tag& tag) const {
  const auto found = ranks_.find(tag.str());
  return found == ranks_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<std::size_t> TagSet::best_rank(std::span<const Tag> tags) const {
  std::optional<std::size_t> best;
  for (const Tag& tag : tags) {
    if (const auto found = rank(tag); found && (!best || *found < *best)) best = found;
  }
  return best;
}

std::optional<std::size_t> TagSet::best_rank(std::string_view python, std::string_view abi,
                                             std::string_view platform) const {
  std::optional<std::size_t> best;
  std::string key;
  std::size_t tried = 0;
  for (TagPieces pythons(python); const auto one_python = pythons.next();) {
    for (TagPieces abis(abi); const auto one_abi = abis.next();) {
      for (TagPieces platforms(platform); const auto one_platform = platforms.next();) {
        if (++tried > max_tags_of_wheel) return best;
        key.clear();
        ((((key += *one_python) += '-') += *one_abi) += '-') += *one_platform;
        std::transform(key.begin(), key.end(), key.begin(), to_lower);
        const auto found = ranks_.find(key);
        if (found != ranks_.end() && (!best || found->second < *best)) best = found->second;
      }
    }
  }
  return best;
}

}  // namespace axle
