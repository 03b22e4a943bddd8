// Versions: one a line. Writing and reading again gives the same; the order is total and agrees with
// equality.

#include <axle/pep/version.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "base/text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using axle::Version;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::vector<Version> versions;
  for (const std::string_view line : axle::split(text, '\n')) {
    if (versions.size() == 8) break;
    if (auto version = Version::try_parse(line)) versions.push_back(std::move(*version));
  }
  for (const Version& a : versions) {
    const Version again = Version::parse(a.str());
    if (again.str() != a.str() || again != a) std::abort();
    if (Version::parse(a.canonical()) != a || Version::parse(a.public_version()) > a) std::abort();
    for (const Version& b : versions) {
      if ((a < b) != (b > a) || (a == b) != (a.canonical() == b.canonical())) std::abort();
      for (const Version& c : versions) {
        if (a < b && b < c && !(a < c)) std::abort();
      }
    }
  }
  return 0;
}
