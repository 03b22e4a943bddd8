// A set of specifiers on the first line, candidates on the others.

#include <axle/pep/specifier.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "base/text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using axle::SpecifierSet;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto lines = axle::split(text, '\n');
  const auto set = SpecifierSet::try_parse(lines.front());
  if (!set) return 0;
  const SpecifierSet again = SpecifierSet::parse(set->str());
  if (again.str() != set->str() || !(again == *set)) std::abort();
  for (std::size_t i = 1; i < lines.size() && i < 32; ++i) {
    const bool without = set->contains(lines[i], false);
    const bool with = set->contains(lines[i], true);
    if (without && !with) std::abort();
    if (set->contains(lines[i]) != with || again.contains(lines[i], false) != without) std::abort();
  }
  return 0;
}
