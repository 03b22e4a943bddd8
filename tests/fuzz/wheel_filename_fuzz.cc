// File names, one a line: parsed as wheel and as source distribution; one is selected.

#include <axle/pep/name.h>
#include <axle/pep/wheel_filename.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "base/text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const axle::TagSet tags(axle::TagTarget{.python = "3.12", .platform = "manylinux_2_28_x86_64"});
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::vector<std::string> names;
  std::optional<std::size_t> best;
  for (const std::string_view line : axle::split(text, '\n')) {
    if (names.size() == 32) break;
    names.emplace_back(line);
    if (const auto sdist = axle::SdistFilename::try_parse(line)) {
      if (axle::normalize_name(sdist->name) != sdist->name) std::abort();
    }
    const auto wheel = axle::WheelFilename::try_parse(line);
    if (!wheel) continue;
    if (wheel->tags.empty() || wheel->tags.size() > axle::max_tags_of_wheel) std::abort();
    const auto rank = tags.best_rank(wheel->tags);
    if (rank != tags.best_rank(wheel->python, wheel->abi, wheel->platform)) std::abort();
    if (rank && (!best || *rank < *best)) best = rank;
  }
  const auto chosen = axle::select_wheel(names, tags);
  if (chosen.has_value() != best.has_value()) std::abort();
  if (chosen && tags.best_rank(axle::WheelFilename::parse(names[*chosen]).tags) != best) std::abort();
  return 0;
}
