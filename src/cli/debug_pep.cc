#include "cli/debug_pep.h"

#include <axle/pep/marker.h>
#include <axle/pep/name.h>
#include <axle/pep/requirement.h>
#include <axle/pep/specifier.h>
#include <axle/pep/tag.h>
#include <axle/pep/version.h>
#include <axle/pep/wheel_filename.h>

#include <algorithm>
#include <array>

#include "cli/debug_args.h"

namespace axle::cli {
namespace {

using nlohmann::json;

const std::string& only_string(const json& args) {
  check_count(args, 1, 1);
  return as_string(args[0], "the argument");
}

json version_valid(const json& args) { return Version::try_parse(only_string(args)).has_value(); }

json version_normalize(const json& args) { return Version::parse(only_string(args)).str(); }

// What is no version stays as it is, as canonicalize_version does.
json version_canonical(const json& args) {
  const auto version = Version::try_parse(only_string(args));
  return version ? version->canonical() : only_string(args);
}

json version_compare(const json& args) {
  check_count(args, 2, 2);
  const auto order =
      Version::parse(as_string(args[0], "version")) <=> Version::parse(as_string(args[1], "version"));
  return order < 0 ? -1 : order > 0 ? 1 : 0;
}

json specifier_valid(const json& args) { return SpecifierSet::try_parse(only_string(args)).has_value(); }

json specifier_normalize(const json& args) { return SpecifierSet::parse(only_string(args)).str(); }

json specifier_contains(const json& args) {
  check_count(args, 2, 3);
  const SpecifierSet set = SpecifierSet::parse(as_string(args[0], "specifier set"));
  std::optional<bool> prereleases;
  if (args.size() == 3 && !args[2].is_null()) prereleases = as_bool(args[2], "prereleases");
  return set.contains(std::string_view(as_string(args[1], "version")), prereleases);
}

json marker_valid(const json& args) { return Marker::try_parse(only_string(args)).has_value(); }

std::set<std::string> as_string_set(const json& value, std::string_view what) {
  std::set<std::string> strings;
  for (const json& item : as_array(value, what)) strings.insert(as_string(item, what));
  return strings;
}

json marker_eval(const json& args) {
  check_count(args, 1, 2);
  const Marker marker = Marker::parse(as_string(args[0], "marker"));
  MarkerEnvironment environment = default_environment();
  if (args.size() == 2) {
    for (const auto& [key, value] : as_object(args[1], "environment").items()) {
      if (key == "extra") {
        if (!value.is_null()) environment.extra = as_string(value, key);
      } else if (key == "extras") {
        environment.extras = as_string_set(value, key);
      } else if (key == "dependency_groups") {
        environment.dependency_groups = as_string_set(value, key);
      } else {
        environment.variables[key] = as_string(value, key);
      }
    }
  }
  return marker.evaluate(environment);
}

json name_valid(const json& args) { return is_valid_name(only_string(args)); }

json name_normalize(const json& args) { return normalize_name(only_string(args)); }

json wheel_filename(const json& args) {
  const WheelFilename file = WheelFilename::parse(only_string(args));
  json build = json::array();
  if (file.build) {
    // JSON readers hold 64 bits; a longer number is given by its digits.
    const auto number = file.build->number.to_uint64();
    build = {number ? json(*number) : json(file.build->number.str()), file.build->suffix};
  }
  std::vector<std::string> tags;
  for (const Tag& tag : file.tags) tags.push_back(tag.str());
  std::sort(tags.begin(), tags.end());
  return {{"name", file.name}, {"version", file.version.str()}, {"build", build}, {"tags", tags}};
}

json sdist_filename(const json& args) {
  const SdistFilename file = SdistFilename::parse(only_string(args));
  return {{"name", file.name}, {"version", file.version.str()}};
}

json requirement_parse(const json& args) {
  const Requirement requirement = Requirement::parse(only_string(args));
  return {{"name", requirement.name},
          {"url", requirement.url ? json(*requirement.url) : json()},
          {"extras", requirement.extras},
          {"specifier", requirement.specifier.str()},
          {"marker", requirement.marker ? json(requirement.marker->str()) : json()}};
}

json requirement_normalize(const json& args) { return Requirement::parse(only_string(args)).str(); }

TagTarget as_target(const json& value) {
  TagTarget target;
  for (const auto& [key, item] : as_object(value, "target").items()) {
    if (key == "python") target.python = as_string(item, key);
    if (key == "platform") target.platform = as_string(item, key);
    if (key == "implementation") target.implementation = as_string(item, key);
    if (key == "abi" && !item.is_null()) target.abi = as_string(item, key);
    if (key == "free_threaded") target.free_threaded = as_bool(item, key);
  }
  return target;
}

json tags(const json& args) {
  check_count(args, 1, 1);
  json list = json::array();
  for (const Tag& tag : compatible_tags(as_target(args[0]))) list.push_back(tag.str());
  return list;
}

json select_wheel_name(const json& args) {
  check_count(args, 2, 2);
  std::vector<std::string> names;
  for (const json& name : as_array(args[0], "file names")) names.push_back(as_string(name, "file name"));
  const auto chosen = select_wheel(names, TagSet(as_target(args[1])));
  return chosen ? json(names[*chosen]) : json();
}

struct Operation {
  std::string_view name;
  json (*run)(const json& args);
};

constexpr std::array<Operation, 17> operations = {{
    {"version-valid", version_valid},
    {"version-normalize", version_normalize},
    {"version-canonical", version_canonical},
    {"version-compare", version_compare},
    {"specifier-valid", specifier_valid},
    {"specifier-normalize", specifier_normalize},
    {"specifier-contains", specifier_contains},
    {"marker-valid", marker_valid},
    {"marker-eval", marker_eval},
    {"name-valid", name_valid},
    {"name-normalize", name_normalize},
    {"wheel-filename", wheel_filename},
    {"sdist-filename", sdist_filename},
    {"requirement-parse", requirement_parse},
    {"requirement-normalize", requirement_normalize},
    {"tags", tags},
    {"select-wheel", select_wheel_name},
}};

}  // namespace

std::optional<json> run_pep_operation(std::string_view op, const json& args) {
  for (const Operation& operation : operations) {
    if (operation.name == op) return operation.run(args);
  }
  return std::nullopt;
}

}  // namespace axle::cli
