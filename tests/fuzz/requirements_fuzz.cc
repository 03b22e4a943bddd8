#include "fuzz/lock_input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  axle::run_lock_input({reinterpret_cast<const char*>(data), size}, axle::LockFormat::requirements);
  return 0;
}
