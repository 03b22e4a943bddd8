#include "plan/glob.h"

namespace axle {

bool glob_matches(std::string_view glob, std::string_view path) noexcept {
  // Linear in practice and never exponential: of each kind of star only the last needs to be tried again, and
  // a '**' makes the '*' before it final.
  constexpr std::size_t none = std::string_view::npos;
  std::size_t g = 0, p = 0;
  std::size_t star = none, star_path = 0;
  std::size_t deep = none, deep_path = 0;
  while (p < path.size()) {
    if (g < glob.size() && glob[g] == '*') {
      const bool crosses = g + 1 < glob.size() && glob[g + 1] == '*';
      g += crosses ? 2 : 1;
      if (crosses) {
        // "**/" also matches no directory at all.
        if (g < glob.size() && glob[g] == '/' && (g == 2 || glob[g - 3] == '/')) ++g;
        deep = g;
        deep_path = p;
        star = none;
      } else {
        star = g;
        star_path = p;
      }
    } else if (g < glob.size() && (glob[g] == path[p] || (glob[g] == '?' && path[p] != '/'))) {
      ++g;
      ++p;
    } else if (star != none && path[star_path] != '/') {
      g = star;
      p = ++star_path;
    } else if (deep != none) {
      g = deep;
      p = ++deep_path;
      star = none;
    } else {
      return false;
    }
  }
  while (g < glob.size() && glob[g] == '*') ++g;
  return g == glob.size();
}

}  // namespace axle
