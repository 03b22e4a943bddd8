#include "axle/wheel/scheme.h"

namespace axle {

std::string_view to_string(Scheme scheme) noexcept {
  static constexpr std::array<std::string_view, 5> names{"purelib", "platlib", "scripts", "headers", "data"};
  return names[static_cast<std::size_t>(scheme) % names.size()];
}

std::optional<Scheme> parse_scheme(std::string_view key) noexcept {
  for (const Scheme scheme : all_schemes) {
    if (to_string(scheme) == key) return scheme;
  }
  return std::nullopt;
}

std::string_view tree_prefix(Scheme scheme) noexcept { return to_string(scheme); }

}  // namespace axle
