#pragma once
// Which file goes into which layer. The assignment is stable: a change of one distribution changes the layer
// that it is in and no other.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "axle/plan/flatten.h"
#include "axle/plan/plan.h"

namespace axle {

enum class SplitBy { none, package, size };
struct SplitRule {
  SplitBy by = SplitBy::none;
  std::uint64_t bytes = 0;  // for size: what a layer of several distributions holds at most
};

// One layer. Every directory above its files is in it, with the same look as in every other layer.
struct LayerPart {
  std::string name;                        // "" for the first; else a distribution, or a group's name
  std::vector<std::string> distributions;  // normalized names, sorted
  std::vector<FlatEntry> entries;          // sorted
};

// "none", "package" or "size:N", N in bytes or with K, M or G. Throws Error(usage). Pure.
SplitRule parse_split(std::string_view text);

// Container engines mount no more than 127 layers at once, the base image's among them.
inline constexpr std::size_t max_package_layers = 110;

// none: one layer. package: first the environment's own files, then a layer for each distribution, by name;
// with more than max_package_layers distributions, for each of up to 64 groups by their names' digests.
// size: likewise first the environment's own; the distributions are divided by the bits of their names'
// digests until each group holds no more than `bytes`, or one distribution. So a group depends on the
// distributions in it and on nothing else. Pure.
std::vector<LayerPart> split_layers(const Plan& plan, std::vector<FlatEntry> entries, const SplitRule& rule);

}  // namespace axle
