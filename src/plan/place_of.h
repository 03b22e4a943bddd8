#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "axle/env/layout.h"
#include "axle/wheel/facts.h"

namespace axle {

// The file of a wheel that has its place at `path` under the layout's root, whichever scheme it comes from;
// nullopt: the wheel has none there.
std::optional<std::uint32_t> find_file_at(const Layout& layout, const WheelFacts& facts,
                                          std::string_view path);
// Whether the wheel has a directory there.
bool has_dir_at(const Layout& layout, const WheelFacts& facts, std::string_view path);

}  // namespace axle
