// Startup files: every text has a reading, and code is what begins as code.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "axle/wheel/pth.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const auto& line : axle::classify_pth(text)) {
    const bool code = line.text.starts_with("import ") || line.text.starts_with("import\t");
    if (code != (line.kind == axle::PthLine::Kind::code)) std::abort();
    if (line.text.find('\n') != std::string::npos) std::abort();
  }
  axle::classify_start(text);
  return 0;
}
