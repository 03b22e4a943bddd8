#include "axle/wheel/dist_info.h"

#include <algorithm>
#include <array>
#include <set>

#include "axle/base/error.h"
#include "axle/pep/name.h"
#include "axle/pep/version.h"
#include "base/text.h"

namespace axle {
namespace {

constexpr std::string_view dist_info_suffix = ".dist-info";
constexpr std::string_view data_suffix = ".data";

bool matches_version(std::string_view text, const WheelFilename& expected) {
  const auto version = Version::try_parse(text);
  if (!version) return false;
  if (*version == expected.version) return true;
  return version->local().empty() && compare_public(*version, expected.version) == 0;
}

std::set<std::string_view> with_suffix(std::span<const std::string_view> names, std::string_view suffix) {
  std::set<std::string_view> found;
  for (const auto name : names) {
    if (name.size() > suffix.size() && name.ends_with(suffix)) found.insert(name);
  }
  return found;
}

}  // namespace

std::optional<DistInfoName> match_dist_dir(std::string_view stem, const WheelFilename& expected) {
  // Old producers left '-' in names and versions, so every one of them may be the boundary.
  for (std::size_t dash = stem.find('-'); dash != std::string_view::npos; dash = stem.find('-', dash + 1)) {
    const auto name = stem.substr(0, dash);
    const auto version = stem.substr(dash + 1);
    if (normalize_name(name) != expected.name) continue;
    // In a file name '-' of a version is '_', which is no separator of a local part elsewhere.
    if (matches_version(version, expected)) return DistInfoName{std::string(name), std::string(version)};
    std::string dashed(version);
    std::replace(dashed.begin(), dashed.end(), '_', '-');
    if (matches_version(dashed, expected)) return DistInfoName{std::string(name), std::string(version)};
  }
  return std::nullopt;
}

std::string find_dist_info(std::span<const std::string_view> root_names, const WheelFilename& expected,
                           std::string_view wheel) {
  const Place place{std::string(wheel)};
  const auto found = with_suffix(root_names, dist_info_suffix);
  if (found.empty()) {
    throw Error(ErrorCode::bad_input, place, "has no .dist-info directory", "this archive is no wheel");
  }
  if (found.size() > 1) {
    throw Error(ErrorCode::bad_input, place,
                "has a second .dist-info directory: " + quoted(*found.begin()) + " and " +
                    quoted(*std::next(found.begin())));
  }
  const std::string_view name = *found.begin();
  if (!match_dist_dir(name.substr(0, name.size() - dist_info_suffix.size()), expected)) {
    throw Error(ErrorCode::bad_input, place,
                "its directory " + quoted(name) + " is unlike the file name, which says " +
                    expected.raw_name + " " + expected.raw_version);
  }
  return std::string(name);
}

std::optional<std::string> find_data_dir(std::span<const std::string_view> root_names,
                                         const WheelFilename& expected, std::string_view wheel) {
  std::optional<std::string> data;
  for (const auto name : with_suffix(root_names, data_suffix)) {
    if (!match_dist_dir(name.substr(0, name.size() - data_suffix.size()), expected)) continue;
    if (data) {
      throw Error(ErrorCode::bad_input, Place{std::string(wheel)},
                  "has a second .data directory: " + quoted(*data) + " and " + quoted(name));
    }
    data = std::string(name);
  }
  return data;
}

bool matches_filename(std::string_view name, std::string_view version, const WheelFilename& expected) {
  return normalize_name(name) == expected.name && matches_version(version, expected);
}

bool is_installers_file(std::string_view name) noexcept {
  static constexpr std::array<std::string_view, 6> names{"RECORD",    "RECORD.jws", "RECORD.p7s",
                                                         "INSTALLER", "REQUESTED",  "direct_url.json"};
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace axle
