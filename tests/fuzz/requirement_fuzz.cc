// Any text as a requirement: what parses is written, and reads again as the same.

#include <axle/pep/requirement.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto requirement = axle::Requirement::try_parse(text);
  if (!requirement || text.find('\\') != std::string_view::npos) return 0;
  const std::string written = requirement->str();
  const auto again = axle::Requirement::try_parse(written);
  if (!again || again->str() != written || again->url != requirement->url) std::abort();
  return 0;
}
