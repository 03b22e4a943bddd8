// normalize_marshal: bounded, and its result is a fixed point.

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "exec/marshal.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const axle::PythonMinor version{3, 8 + data[0] % 8};
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  const auto once = axle::normalize_marshal(bytes, version);
  if (once && axle::normalize_marshal(*once, version) != once) std::abort();
  return 0;
}
