#pragma once
// `axle debug`: the operations of the wheel room (docs/cli.md).

#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

namespace axle::cli {

// record-parse, entry-points-parse, pth-classify; nullopt for any other op. Throws Error for arguments of the
// wrong type and for texts that do not parse.
std::optional<nlohmann::json> run_wheel_operation(std::string_view op, const nlohmann::json& args);

}  // namespace axle::cli
