// Patches: every text is read or refused, and what is read applies or does not, in bounded time. The input is
// the patch, a NUL, and the file it is for.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "action/patch_text.h"
#include "axle/base/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::string_view patch = input.substr(0, input.find('\0'));
  const std::string_view content = input.substr(std::min(patch.size() + 1, input.size()));
  for (unsigned strip = 0; strip < 2; ++strip) {
    try {
      for (const axle::FilePatch& part : axle::parse_patch(patch, "fuzz.patch", strip)) {
        try {
          static_cast<void>(axle::apply_patch(content, part, "fuzz.patch"));
        } catch (const axle::Error&) {
        }
      }
    } catch (const axle::Error&) {
    }
  }
  return 0;
}
