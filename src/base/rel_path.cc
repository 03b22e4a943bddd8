#include "axle/base/rel_path.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "axle/base/error.h"
#include "base/text.h"

namespace axle {
namespace {

constexpr std::size_t max_component = 255;
constexpr std::size_t max_path = 4096;

// Windows reserves these names, with any extension and in any case.
bool is_device_name(std::string_view component) noexcept {
  if (component.size() < 3) return false;
  switch (to_lower(component[0]) << 8 | to_lower(component[1])) {  // nearly no name gets past this
    case 'a' << 8 | 'u':
    case 'c' << 8 | 'o':
    case 'l' << 8 | 'p':
    case 'n' << 8 | 'u':
    case 'p' << 8 | 'r':
      break;
    default:
      return false;
  }
  std::string_view stem = component.substr(0, component.find('.'));
  while (!stem.empty() && stem.back() == ' ') stem.remove_suffix(1);
  if (stem.size() > 7 || stem.size() < 3) return false;
  static constexpr std::array<std::string_view, 6> plain{"con", "prn", "aux", "nul", "conin$", "conout$"};
  if (std::any_of(plain.begin(), plain.end(), [&](auto name) { return ascii_iequal(stem, name); }))
    return true;
  return stem.size() == 4 &&
         (ascii_iequal(stem.substr(0, 3), "com") || ascii_iequal(stem.substr(0, 3), "lpt")) &&
         stem[3] >= '1' && stem[3] <= '9';
}

const char* component_fault(std::string_view component) noexcept {
  if (component.empty()) return "has an empty component";
  if (component == ".") return "contains '.' as a component";
  if (component == "..") return "contains '..'";
  if (component.size() > max_component) return "has a component longer than 255 bytes";
  if (component.back() == '.' || component.back() == ' ')
    return "has a component that ends in a dot or a space";
  if (is_device_name(component)) return "has a component that is a Windows device name";
  return nullptr;
}

enum class Byte : std::uint8_t { plain, slash, not_ascii, bad };
constexpr std::array<Byte, 256> kind_of = [] {
  std::array<Byte, 256> kinds{};
  for (std::size_t byte = 0; byte < kinds.size(); ++byte) {
    if (byte < 0x20 || byte == 0x7f || byte == '\\' || byte == ':') kinds[byte] = Byte::bad;
    if (byte >= 0x80) kinds[byte] = Byte::not_ascii;
  }
  kinds['/'] = Byte::slash;
  return kinds;
}();

const char* byte_fault(char c) noexcept {
  switch (c) {
    case '\0':
      return "contains NUL";
    case '\\':
      return "contains a backslash";
    case ':':
      return "contains a colon";
    default:
      return "contains a control character";
  }
}

}  // namespace

// Every name of every archive comes by here, more than once: one pass, in which nearly every byte is plain.
// What is wrong with a character goes before what is wrong with a component.
const char* rel_path_fault(std::string_view text) noexcept {
  if (text.empty()) return "is empty";
  if (text.front() == '/') return "is absolute";
  if (text.size() > max_path) return "is longer than 4096 bytes";
  const char* in_component = nullptr;
  bool ascii = true;
  std::size_t begin = 0;
  for (std::size_t at = 0;; ++at) {
    while (at < text.size() && kind_of[static_cast<unsigned char>(text[at])] == Byte::plain) ++at;
    if (at == text.size()) break;
    switch (kind_of[static_cast<unsigned char>(text[at])]) {
      case Byte::plain:
        break;
      case Byte::slash:
        if (in_component == nullptr) in_component = component_fault(text.substr(begin, at - begin));
        begin = at + 1;
        break;
      case Byte::not_ascii:
        ascii = false;
        break;
      case Byte::bad:
        return byte_fault(text[at]);
    }
  }
  if (!ascii && !is_utf8(text)) return "is not valid UTF-8";
  return in_component != nullptr ? in_component : component_fault(text.substr(begin));
}

RelPath RelPath::parse(std::string_view text) {
  if (const char* fault = rel_path_fault(text)) {
    throw Error(ErrorCode::bad_input, "path " + quoted(text) + " " + fault);
  }
  return RelPath(std::string(text));
}

std::optional<RelPath> RelPath::try_parse(std::string_view text) {
  if (rel_path_fault(text) != nullptr) return std::nullopt;
  return RelPath(std::string(text));
}

std::string_view RelPath::name() const noexcept {
  const std::string_view text = text_;
  return text.substr(text.rfind('/') + 1);
}

std::optional<RelPath> RelPath::parent() const {
  const std::size_t slash = text_.rfind('/');
  if (slash == std::string::npos) return std::nullopt;
  return RelPath(text_.substr(0, slash));
}

RelPath RelPath::join(const RelPath& below) const {
  if (text_.size() + 1 + below.text_.size() > max_path) return parse(text_ + "/" + below.text_);
  return RelPath(text_ + "/" + below.text_);
}

bool RelPath::is_within(const RelPath& dir) const noexcept {
  return text_.starts_with(dir.text_) && (text_.size() == dir.text_.size() || text_[dir.text_.size()] == '/');
}

std::strong_ordering compare_paths(std::string_view a, std::string_view b) noexcept {
  const std::size_t same = common_prefix(a, b);
  if (same == std::min(a.size(), b.size())) return a.size() <=> b.size();
  const auto rank = [](char c) { return c == '/' ? 0 : static_cast<unsigned char>(c); };
  return rank(a[same]) <=> rank(b[same]);
}

std::strong_ordering operator<=>(const RelPath& a, const RelPath& b) noexcept {
  return compare_paths(a.text_, b.text_);
}

}  // namespace axle
