// RECORD: rows that parse render to rows that parse alike.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "axle/base/error.h"
#include "axle/wheel/record.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const auto rows = axle::parse_record(text, "RECORD");
    std::string again;
    for (const auto& row : rows) {
      static_cast<void>(axle::classify_record_path(row.path));
      again += axle::render_record_row(row);
    }
    const auto reread = axle::parse_record(again, "RECORD");
    if (reread.size() != rows.size()) std::abort();
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (reread[i].path != rows[i].path || reread[i].digest != rows[i].digest ||
          reread[i].size != rows[i].size) {
        std::abort();
      }
    }
  } catch (const axle::Error&) {
  }
  return 0;
}
