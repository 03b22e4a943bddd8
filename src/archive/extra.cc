#include "archive/extra.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace axle::zip {
namespace {

constexpr std::uint16_t id_zip64 = 0x0001;
constexpr std::uint16_t id_strong_encryption = 0x0017;
constexpr std::uint16_t id_unicode_comment = 0x6375;
constexpr std::uint16_t id_unicode_path = 0x7075;
constexpr std::uint16_t id_aes = 0x9901;

// Which ids occurred. Nearly every header has fewer than four fields; a hostile one has up to 16,383.
class SeenIds {
 public:
  // False when it was there before.
  bool insert(std::uint16_t id) {
    if (std::find(few_.begin(), few_.begin() + count_, id) != few_.begin() + count_) return false;
    if (count_ < static_cast<std::ptrdiff_t>(few_.size())) {
      few_[static_cast<std::size_t>(count_++)] = id;
      return true;
    }
    if (many_.empty()) many_.resize(1U << 16);
    if (many_[id]) return false;
    many_[id] = true;
    return true;
  }

 private:
  std::array<std::uint16_t, 8> few_{};
  std::ptrdiff_t count_ = 0;
  std::vector<bool> many_;
};

}  // namespace

ExtraFields parse_extra(const Source& source, std::string_view raw_name, HeaderKind kind,
                        std::string_view bytes) {
  const auto fail = [&](const std::string& what) {
    refuse_member(source, raw_name,
                  (kind == HeaderKind::local ? "its local header " : "its central header ") + what);
  };
  ExtraFields fields;
  SeenIds seen;
  while (bytes.size() >= 4) {
    const std::uint16_t id = le16(bytes, 0);
    const std::size_t size = le16(bytes, 2);
    if (size > bytes.size() - 4) fail("has an extra field that reaches past its end");
    if (!seen.insert(id)) fail("has the extra field " + std::to_string(id) + " twice");
    const std::string_view body = bytes.substr(4, size);
    bytes.remove_prefix(4 + size);
    switch (id) {
      case id_zip64:
        fields.zip64 = body;
        break;
      case id_unicode_path:
      case id_unicode_comment:
        // Readers that know this field take its name, others the header's.
        fail("has a second name or comment in a Unicode extra field");
        break;
      case id_strong_encryption:
      case id_aes:
        fields.encrypted = true;
        break;
      default:
        break;
    }
  }
  return fields;
}

}  // namespace axle::zip
