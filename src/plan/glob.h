#pragma once

#include <string_view>

namespace axle {

// '*' and '?' match within a component, '**' across components, everything else itself. The whole path must
// match.
bool glob_matches(std::string_view glob, std::string_view path) noexcept;

}  // namespace axle
