#pragma once
// Options that an action knows of and does not have: axle's own that mean nothing to it, and those of other
// tools that it needs not.

#include <string_view>

namespace axle {

// Every command of axle takes these (docs/cli.md): with a value, or without.
bool is_ignored_option(std::string_view name) noexcept;
bool is_ignored_flag(std::string_view name) noexcept;

// Throws Error(unsupported), with what to do instead, for what an action does in another way.
void refuse_foreign(std::string_view name);

}  // namespace axle
