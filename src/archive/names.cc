#include "archive/names.h"

#include <algorithm>
#include <functional>
#include <string>
#include <string_view>

#include "axle/base/rel_path.h"
#include "base/text.h"

namespace axle::zip {
namespace {

std::string_view without_slash(std::string_view name) {
  return name.ends_with('/') ? name.substr(0, name.size() - 1) : name;
}

bool is_ascii(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// The character that begins at `at` in valid UTF-8; moves `at` past it.
char32_t next_character(std::string_view text, std::size_t& at) noexcept {
  const auto lead = static_cast<unsigned char>(text[at++]);
  if (lead < 0x80) return lead;
  const int more = lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
  char32_t character = lead & (0x3fU >> more);
  for (int i = 0; i < more; ++i)
    character = character << 6 | (static_cast<unsigned char>(text[at++]) & 0x3fU);
  return character;
}

// Control characters beyond ASCII, and characters that take no room or turn the text around: names that
// differ in them look alike. ZWNJ and ZWJ (U+200C, U+200D), which several scripts need, are among them;
// Python modules never need them.
bool is_invisible(char32_t c) noexcept {
  return (c >= 0x80 && c < 0xa0) || c == 0xad || c == 0x61c || c == 0x180e || (c >= 0x200b && c <= 0x200f) ||
         (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff ||
         (c >= 0xfff9 && c <= 0xfffb) || (c >= 0xe0000 && c <= 0xe007f);
}

bool has_invisible(std::string_view text) noexcept {
  for (std::size_t at = 0; at < text.size();) {
    if (is_invisible(next_character(text, at))) return true;
  }
  return false;
}

void check_name(const Source& source, const CentralEntry& entry) {
  if (const char* fault = rel_path_fault(without_slash(entry.raw_name))) {
    refuse_member(source, entry.raw_name, std::string("its name ") + fault);
  }
  if (is_ascii(entry.raw_name)) return;
  if ((entry.flags & flag_utf8) == 0) {
    refuse_member(source, entry.raw_name,
                  "its name is not ASCII, and its header does not say that it is UTF-8");
  }
  if (has_invisible(entry.raw_name))
    refuse_member(source, entry.raw_name, "its name has an invisible character");
}

// Sorted by a hash of its end first: names of one directory begin alike, so that comparing them reads far.
// (Of its end only, so that a deep path's many directories cost no more than they have to.)
struct Name {
  std::size_t hash;
  std::string_view text;
  bool is_directory;

  static Name of(std::string_view text, bool is_directory) {
    constexpr std::size_t end_size = 32;
    const std::string_view end = text.substr(text.size() - std::min(text.size(), end_size));
    return {std::hash<std::string_view>{}(end), text, is_directory};
  }
  friend bool operator<(const Name& a, const Name& b) noexcept {
    return a.hash != b.hash ? a.hash < b.hash : a.text < b.text;
  }
};

// Equal names are next to each other.
std::vector<Name> sorted_names(const Source& source, const std::vector<CentralEntry>& entries) {
  std::vector<Name> names;
  names.reserve(entries.size());
  for (const CentralEntry& entry : entries) {
    names.push_back(Name::of(without_slash(entry.raw_name), entry.is_directory()));
  }
  std::sort(names.begin(), names.end());
  for (std::size_t i = 1; i < names.size(); ++i) {
    if (names[i].text != names[i - 1].text) continue;
    if (names[i].is_directory != names[i - 1].is_directory) {
      refuse_member(source, names[i].text, "is a file and a directory");
    }
    refuse_member(source, names[i].text, "is there twice");
  }
  return names;
}

}  // namespace

void check_names(const Source& source, const std::vector<CentralEntry>& entries) {
  for (const CentralEntry& entry : entries) check_name(source, entry);
  const std::vector<Name> names = sorted_names(source, entries);

  // Which directories the names imply: each is looked up once per run of names below it.
  std::string_view checked;
  for (const CentralEntry& entry : entries) {
    const std::string_view name = without_slash(entry.raw_name);
    std::size_t slash = name.rfind('/');
    const std::string_view below = name.substr(0, slash == std::string_view::npos ? 0 : slash);
    if (below == checked) continue;
    checked = below;
    for (; slash != std::string_view::npos && slash > 0; slash = name.rfind('/', slash - 1)) {
      const Name directory = Name::of(name.substr(0, slash), true);
      const auto found = std::lower_bound(names.begin(), names.end(), directory);
      if (found != names.end() && found->text == directory.text && !found->is_directory) {
        refuse_member(source, directory.text, "is a file, and " + quoted(name) + " lies below it");
      }
    }
  }
}

}  // namespace axle::zip
