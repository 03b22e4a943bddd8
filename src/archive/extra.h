#pragma once
// Extra fields of one header. spec: APPNOTE 4.5, 4.6.9.

#include <cstddef>
#include <optional>
#include <string_view>

#include "archive/format.h"

namespace axle::zip {

enum class HeaderKind { local, central };

struct ExtraFields {
  std::size_t count = 0;
  std::optional<std::string_view> zip64;  // the body of field 0x0001
  bool encrypted = false;                 // a field that only encrypted members have
};

// Reads the list. Throws Error(bad_input) at the member for a field that reaches past the end, one that
// occurs twice, or one that gives the member another name. Up to three bytes after the last field are padding
// (zipalign writes it).
ExtraFields parse_extra(const Source& source, std::string_view raw_name, HeaderKind kind,
                        std::string_view bytes);

}  // namespace axle::zip
