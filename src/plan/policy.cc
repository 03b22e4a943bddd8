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

std::string_view to_string(PruneClass prune_class) noexcept {
  switch (prune_class) {
    case PruneClass::tests:
      return "tests";
    case PruneClass::stubs:
      return "stubs";
    case PruneClass::headers:
      return "headers";
    case PruneClass::byte_code:
      return "byte-code";
  }
  return "";
}

std::optional<PruneClass> parse_prune_class(std::string_view text) noexcept {
  for (const PruneClass one :
       {PruneClass::tests, PruneClass::stubs, PruneClass::headers, PruneClass::byte_code}) {
    if (text == to_string(one)) return one;
  }
  return std::nullopt;
}

}  // namespace axle
