#include "axle/base/rel_path.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "axle/base/error.h"
#include "base/text.h"

namespace axle {
namespace {

constexpr std::size_t max_component = 255;
constexpr std::size_t max_path = 4096;

// Windows reserves these names, with any extension and in any case.
bool is_device_name(std::string_view component) noexcept {
  std::string_view stem = component.substr(0, component.find('.'));
  if (stem.size() < 3) return false;
  switch (to_lower(stem.front())) {  // nearly no name gets past this
    case 'a':
    case 'c':
    case 'l':
    case 'n':
    case 'p':
      break;
    default:
      return false;
  }
  while (!stem.empty() && stem.back() == ' ') stem.remove_suffix(1);
  if (stem.size() > 7) return false;
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

}  // namespace

const char* rel_path_fault(std::string_view text) noexcept {
  if (text.empty()) return "is empty";
  if (text.front() == '/') return "is absolute";
  if (text.size() > max_path) return "is longer than 4096 bytes";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > ':' && byte != '\\' && byte != 0x7f) continue;  // nearly every byte
    if (byte == 0) return "contains NUL";
    if (byte < 0x20 || byte == 0x7f) return "contains a control character";
    if (c == '\\') return "contains a backslash";
    if (c == ':') return "contains a colon";
  }
  if (!is_utf8(text)) return "is not valid UTF-8";
  while (true) {
    const std::size_t slash = text.find('/');
    if (const char* fault = component_fault(text.substr(0, slash))) return fault;
    if (slash == std::string_view::npos) return nullptr;
    text.remove_prefix(slash + 1);
  }
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
  // Paths of one environment begin alike: eight bytes at a time.
  const std::size_t both = std::min(a.size(), b.size());
  std::size_t same = 0;
  while (same + 8 <= both && std::memcmp(a.data() + same, b.data() + same, 8) == 0) same += 8;
  while (same < both && a[same] == b[same]) ++same;
  if (same == both) return a.size() <=> b.size();
  const auto rank = [](char c) { return c == '/' ? 0 : static_cast<unsigned char>(c); };
  return rank(a[same]) <=> rank(b[same]);
}

std::strong_ordering operator<=>(const RelPath& a, const RelPath& b) noexcept {
  return compare_paths(a.text_, b.text_);
}

}  // namespace axle
