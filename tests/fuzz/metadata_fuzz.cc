// METADATA and WHEEL, and the __init__.py reader on the same bytes.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "axle/base/error.h"
#include "axle/wheel/metadata.h"
#include "axle/wheel/python_stub.h"
#include "axle/wheel/wheel_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    axle::parse_metadata(text, "METADATA");
  } catch (const axle::Error&) {
  }
  try {
    axle::parse_wheel_file(text, "WHEEL");
  } catch (const axle::Error&) {
  }
  const auto stub = axle::find_stub(text);
  if (axle::classify_init(text).kind != (stub ? stub->kind : axle::InitKind::regular)) __builtin_trap();
  return 0;
}
