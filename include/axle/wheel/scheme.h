#pragma once
// The places that a wheel's files go to.

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace axle {

// spec: "Binary distribution format", the .data directory's keys.
enum class Scheme : std::uint8_t { purelib, platlib, scripts, headers, data };
inline constexpr std::array<Scheme, 5> all_schemes{Scheme::purelib, Scheme::platlib, Scheme::scripts,
                                                   Scheme::headers, Scheme::data};

std::string_view to_string(Scheme scheme) noexcept;  // "purelib", ...
// Exactly one of those words; nullopt for any other.
std::optional<Scheme> parse_scheme(std::string_view key) noexcept;

// purelib or platlib: where packages lie.
constexpr bool is_lib(Scheme scheme) noexcept {
  return scheme == Scheme::purelib || scheme == Scheme::platlib;
}

// The directory of an unpacked wheel that holds the files of a scheme: "purelib", ...
std::string_view tree_prefix(Scheme scheme) noexcept;

}  // namespace axle
