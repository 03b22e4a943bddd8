// Any text as a marker: it parses or not, is written, is evaluated in both readings of `extra`.

#include <axle/base/error.h>
#include <axle/pep/marker.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto marker = axle::Marker::try_parse(text);
  if (!marker) return 0;
  // A text with a backslash is written with what the escape meant.
  if (text.find('\\') == std::string_view::npos) {
    const std::string written = marker->str();
    if (axle::Marker::parse(written).str() != written) std::abort();
  }
  axle::MarkerEnvironment environment = axle::default_environment();
  environment.extras = {"a", "b-c"};
  environment.dependency_groups = {"dev"};
  for (const auto mode : {axle::ExtraMode::text, axle::ExtraMode::set}) {
    environment.extra_mode = mode;
    try {
      const axle::MarkerContext context(environment);
      if (marker->evaluate(context) != marker->evaluate(environment)) std::abort();
    } catch (const axle::Error&) {
      // a comparison without a meaning
    }
  }
  return 0;
}
