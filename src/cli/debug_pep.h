#pragma once
// The operations of `axle debug` on versions, specifiers, markers, names, requirements, tags and file names.

#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

namespace axle::cli {

// The value of an operation; nullopt when `op` is none of these. Throws Error: usage for arguments of the
// wrong type, else what the library throws.
std::optional<nlohmann::json> run_pep_operation(std::string_view op, const nlohmann::json& args);

}  // namespace axle::cli
