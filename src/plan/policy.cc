#include "axle/plan/policy.h"

namespace axle {

std::string_view to_string(LinkMode mode) noexcept {
  switch (mode) {
    case LinkMode::automatic:
      return "auto";
    case LinkMode::clone:
      return "clone";
    case LinkMode::hardlink:
      return "hardlink";
    case LinkMode::symlink:
      return "symlink";
    case LinkMode::copy:
      return "copy";
  }
  return "auto";
}

}  // namespace axle
