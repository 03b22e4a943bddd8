#pragma once
// The names of a wheel's own directories: demo-1.0.dist-info and demo-1.0.data.
// spec: "Binary distribution format", compared after normalization.

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "axle/pep/wheel_filename.h"
#include "axle/wheel/scheme.h"

namespace axle {

struct DistInfoName {
  std::string name;     // as written
  std::string version;  // as written
};

// Splits "demo-1.0" (without a suffix) so that name and version are those of `expected` after normalization;
// nullopt when no '-' does so. A version without the local part that the file name has is accepted too, as in
// uv.
std::optional<DistInfoName> match_dist_dir(std::string_view stem, const WheelFilename& expected);

// The one root directory "*.dist-info" among `root_names` (first components of member paths; repeats are
// fine). Throws Error(bad_input) with place `wheel` when there is none or a second, or when its name or
// version is unlike the file name.
std::string find_dist_info(std::span<const std::string_view> root_names, const WheelFilename& expected,
                           std::string_view wheel);

// The wheel's .data directory, if it has one; another distribution's is a directory like any other.
std::optional<std::string> find_data_dir(std::span<const std::string_view> root_names,
                                         const WheelFilename& expected, std::string_view wheel);

// True when METADATA's name and version are those of the file name.
bool matches_filename(std::string_view name, std::string_view version, const WheelFilename& expected);

// Files of a dist-info that an installer writes itself; a wheel's own are never installed: RECORD,
// RECORD.jws, RECORD.p7s, INSTALLER, REQUESTED, direct_url.json.
bool is_installers_file(std::string_view name) noexcept;

}  // namespace axle
