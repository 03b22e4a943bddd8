#pragma once
// The operations of `axle debug` on archives.

#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

namespace axle::cli {

// nullopt when `op` is none of these. Throws Error for wrong arguments and archives that are refused.
//   zip-audit [path] -> {entries: N}; every member is read
std::optional<nlohmann::json> run_archive_operation(std::string_view op, const nlohmann::json& args);

}  // namespace axle::cli
