#include "archive/extra.h"

#include <algorithm>
#include <array>
#include <string>

namespace axle::zip {
namespace {

constexpr std::uint16_t id_zip64 = 0x0001;
constexpr std::uint16_t id_strong_encryption = 0x0017;
constexpr std::uint16_t id_unicode_comment = 0x6375;
constexpr std::uint16_t id_unicode_path = 0x7075;
constexpr std::uint16_t id_aes = 0x9901;

// Known writers need five at most. libzip keeps each in an allocation of its own.
constexpr std::size_t max_fields = 16;

}  // namespace

ExtraFields parse_extra(const Source& source, std::string_view raw_name, HeaderKind kind,
                        std::string_view bytes) {
  const auto fail = [&](const std::string& what) {
    refuse_member(source, raw_name,
                  (kind == HeaderKind::local ? "its local header " : "its central header ") + what);
  };
  ExtraFields fields;
  std::array<std::uint16_t, max_fields> ids{};
  while (bytes.size() >= 4) {
    const std::uint16_t id = le16(bytes, 0);
    const std::size_t size = le16(bytes, 2);
    if (size > bytes.size() - 4) fail("has an extra field that reaches past its end");
    const auto seen = ids.begin() + static_cast<std::ptrdiff_t>(fields.count);
    if (std::find(ids.begin(), seen, id) != seen)
      fail("has the extra field " + std::to_string(id) + " twice");
    if (fields.count == max_fields) fail("has more than 16 extra fields");
    ids[fields.count++] = id;
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
