// entry_points.txt: whatever is accepted for a program has a name and a reference that may be put into a
// script.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "axle/base/error.h"
#include "axle/base/rel_path.h"
#include "axle/wheel/entry_points.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    for (const auto& entry : axle::parse_entry_points(text, "entry_points.txt")) {
      static_cast<void>(axle::is_reserved_script_name(entry.name));
      const auto reference = axle::parse_object_reference(entry.value);
      if (!axle::is_script_group(entry.group)) continue;
      if (reference.attribute.empty() || !axle::RelPath::try_parse(entry.name)) std::abort();
      constexpr std::string_view unsafe = " \t\r\n'\"();\\/";
      if (entry.name.find_first_of(unsafe) != std::string_view::npos) std::abort();
      if (reference.module.find_first_of(unsafe) != std::string_view::npos) std::abort();
      if (reference.attribute.find_first_of(unsafe) != std::string_view::npos) std::abort();
    }
  } catch (const axle::Error&) {
  }
  return 0;
}
