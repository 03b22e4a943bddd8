#pragma once
// Paths as they are written, without a look at the disk.

#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"

namespace axle {

// The parts of a path without what makes no difference: of "./a//b/../c/" these are "a" and "c". They show
// the text of `path`.
inline std::vector<std::string_view> lexical_components(std::string_view path) {
  std::vector<std::string_view> parts;
  for (const std::string_view part : split(path, '/')) {
    if (part.empty() || part == ".") continue;
    if (part == ".." && !parts.empty() && parts.back() != "..") {
      parts.pop_back();
    } else {
      parts.push_back(part);
    }
  }
  return parts;
}

}  // namespace axle
