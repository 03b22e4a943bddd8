#pragma once
// The operations of `axle debug` on native objects.

#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

namespace axle::cli {

// nullopt when `op` is none of these. Throws Error for wrong arguments and files that are no objects.
//   elf-facts [path] -> {needed: [names], soname: str or null, rpath: str or null, runpath: str or null,
//                        machine: "x86_64", bits: 64}
std::optional<nlohmann::json> run_object_operation(std::string_view op, const nlohmann::json& args);

}  // namespace axle::cli
