#include "axle/lock/lock.h"

#include <algorithm>

namespace axle {

std::string_view to_string(LockFormat format) noexcept {
  switch (format) {
    case LockFormat::requirements:
      return "requirements";
    case LockFormat::pylock:
      return "pylock";
    case LockFormat::uv:
      return "uv";
    case LockFormat::poetry:
      return "poetry";
    case LockFormat::pdm:
      return "pdm";
    case LockFormat::pipfile:
      return "pipfile";
  }
  return "unknown";
}

bool VersionRange::contains(const Version& version) const {
  if (any_of.empty()) return true;
  return std::any_of(any_of.begin(), any_of.end(),
                     [&](const SpecifierSet& set) { return set.contains(version, true); });
}

Place Lock::place(const LockPlace& where) const {
  return {where.file < files.size() ? files[where.file].path : path, where.line, where.column};
}

}  // namespace axle
