#include <axle/base/error.h>
#include <axle/pep/name.h>
#include <axle/pep/wheel_filename.h>

#include <algorithm>

#include "base/text.h"
#include "pep/scan.h"
#include "pep/tag_parts.h"

namespace axle {
namespace {

// A file name taken apart and checked, its tags not yet expanded. Borrows the name.
struct ParsedName {
  std::string_view name;
  std::string_view version_text;
  std::optional<Version> version;
  std::optional<BuildTag> build;
  TagParts tags;
};

// What is wrong with a file name; nullptr for nothing.
using Fault = const char*;

// spec: "Escaping and Unicode": runs of other characters became one '_'; old tools left dots.
bool is_wheel_name(std::string_view name) noexcept {
  return !name.empty() && name.find("__") == std::string_view::npos &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return is_alnum(c) || c == '_' || c == '.' || static_cast<unsigned char>(c) >= 0x80;
         });
}

// spec: "File name convention": the build tag begins with a digit; its sort key is that number, then the
// rest.
std::optional<BuildTag> parse_build(std::string_view text) {
  const std::string_view digits = digits_at_front(text);
  auto number = Natural::try_parse(digits);
  if (!number) return std::nullopt;
  text.remove_prefix(digits.size());
  return BuildTag{std::move(*number), std::string(text.substr(0, text.find('\n')))};
}

Fault parse_name(std::string_view file_name, ParsedName& parsed) {
  if (!file_name.ends_with(".whl")) return "it does not end in .whl";
  file_name.remove_suffix(4);
  const auto dashes = std::count(file_name.begin(), file_name.end(), '-');
  if (dashes != 4 && dashes != 5) return "it needs 5 or 6 parts between dashes";

  const auto take_part = [&] {
    const std::size_t end = file_name.find('-');
    const std::string_view part = file_name.substr(0, end);
    file_name.remove_prefix(end + 1);
    return part;
  };
  parsed.name = take_part();
  if (!is_wheel_name(parsed.name)) return "the name of the distribution is invalid";
  parsed.version_text = take_part();
  parsed.version = Version::try_parse(parsed.version_text);
  if (!parsed.version) return "the version is invalid";
  if (dashes == 5) {
    parsed.build = parse_build(take_part());
    if (!parsed.build) return "the build tag does not begin with a number";
  }
  const auto tags = split_tag(file_name);
  if (!tags) return "the compatibility tags are invalid";
  parsed.tags = *tags;
  return nullptr;
}

// spec: PEP 825 (draft): a label after the platform. A build tag begins with a digit, a Python tag does not.
bool has_variant_label(std::string_view file_name) {
  if (!file_name.ends_with(".whl")) return false;
  const std::size_t last = file_name.rfind('-');
  if (last == std::string_view::npos) return false;
  const std::string_view label = file_name.substr(last + 1, file_name.size() - last - 5);
  if (label.empty() || !std::all_of(label.begin(), label.end(), [](char c) {
        return is_digit(c) || (c >= 'a' && c <= 'z') || c == '_' || c == '.';
      })) {
    return false;
  }
  ParsedName parsed;
  return parse_name(std::string(file_name.substr(0, last)) + ".whl", parsed) == nullptr;
}

}  // namespace

WheelFilename WheelFilename::parse(std::string_view file_name) {
  ParsedName parsed;
  if (const Fault fault = parse_name(file_name, parsed)) {
    if (has_variant_label(file_name)) {
      throw Error(ErrorCode::unsupported, quoted(file_name) + " is a wheel variant",
                  "take the wheel without a label after the platform");
    }
    throw Error(ErrorCode::bad_input, quoted(file_name) + " is not the file name of a wheel: " + fault);
  }
  return WheelFilename{
      normalize_name(parsed.name),      std::string(parsed.name),          std::move(*parsed.version),
      std::string(parsed.version_text), std::move(parsed.build),           std::string(parsed.tags.python),
      std::string(parsed.tags.abi),     std::string(parsed.tags.platform), expand_tags(parsed.tags)};
}

std::optional<WheelFilename> WheelFilename::try_parse(std::string_view file_name) {
  ParsedName parsed;
  if (parse_name(file_name, parsed) != nullptr) return std::nullopt;
  return parse(file_name);
}

std::optional<SdistFilename> SdistFilename::try_parse(std::string_view file_name) {
  if (file_name.ends_with(".tar.gz")) {
    file_name.remove_suffix(7);
  } else if (file_name.ends_with(".zip")) {
    file_name.remove_suffix(4);
  } else {
    return std::nullopt;
  }
  // A version in its normal form has no dash, so the last one divides.
  const std::size_t dash = file_name.rfind('-');
  if (dash == std::string_view::npos || dash == 0) return std::nullopt;
  auto version = Version::try_parse(file_name.substr(dash + 1));
  if (!version) return std::nullopt;
  return SdistFilename{normalize_name(file_name.substr(0, dash)), std::move(*version)};
}

SdistFilename SdistFilename::parse(std::string_view file_name) {
  if (auto parsed = try_parse(file_name)) return std::move(*parsed);
  throw Error(ErrorCode::bad_input, quoted(file_name) + " is not the file name of a source distribution",
              "it needs the form name-version.tar.gz");
}

std::optional<std::size_t> select_wheel(std::span<const std::string> file_names, const TagSet& tags) {
  std::optional<std::size_t> best;
  std::size_t best_rank = 0;
  std::optional<BuildTag> best_build;
  for (std::size_t i = 0; i < file_names.size(); ++i) {
    ParsedName parsed;
    if (parse_name(file_names[i], parsed) != nullptr) continue;
    const auto rank = tags.best_rank(parsed.tags.python, parsed.tags.abi, parsed.tags.platform);
    if (!rank) continue;
    if (best && (*rank > best_rank || (*rank == best_rank && !(parsed.build > best_build)))) continue;
    best = i;
    best_rank = *rank;
    best_build = std::move(parsed.build);
  }
  return best;
}

}  // namespace axle
