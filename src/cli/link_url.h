#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace axle::cli {

// A link of METADATA as an absolute IRI (RFC 3987), which formats with a schema demand: http and https only,
// what may not stand where it does percent-encoded. nullopt: it is none that could be followed. Pure.
std::optional<std::string> link_url(std::string_view text);

}  // namespace axle::cli
