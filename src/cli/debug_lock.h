#pragma once
// The operation of `axle debug` on locks.

#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

namespace axle::cli {

// "lock-select": [path, {python, python_full_version, platform, extras, active_groups}] -> {packages,
// wheels}; nullopt when `op` is another. Reads the lock and the files beside it. Where the lock has hashes
// without file names, the names are looked up by hash in the other locks of its directory, and are null where
// those do not know them. Throws Error: usage for arguments of the wrong type, else what the library throws;
// the message of a failed selection begins with its kind.
std::optional<nlohmann::json> run_lock_operation(std::string_view op, const nlohmann::json& args);

}  // namespace axle::cli
