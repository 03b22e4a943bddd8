// Parameter files: every text has a reading in each style or an error, and what it holds can be taken in
// without end.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "action/param_file.h"
#include "action/request.h"
#include "axle/base/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 2000) return 0;  // a file that names itself often is read often
  const std::string text(reinterpret_cast<const char*>(data), size);
  for (const axle::ParamStyle style :
       {axle::ParamStyle::automatic, axle::ParamStyle::shell, axle::ParamStyle::multiline}) {
    try {
      static_cast<void>(axle::parse_request(axle::parse_params(text, style, "fuzz")));
    } catch (const axle::Error&) {
    }
  }
  int reads = 0;
  try {
    const std::vector<std::string> first{"@p"};
    static_cast<void>(
        axle::expand_params(first, [&](const std::string&) { return ++reads > 40 ? std::string() : text; }));
  } catch (const axle::Error&) {
  }
  return 0;
}
