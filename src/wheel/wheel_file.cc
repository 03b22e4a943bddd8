#include "axle/wheel/wheel_file.h"

#include "axle/base/error.h"
#include "axle/wheel/metadata.h"
#include "base/text.h"
#include "wheel/header_version.h"

namespace axle {

WheelFile parse_wheel_file(std::string_view text, std::string_view name) {
  const Headers headers = parse_headers(text, name);
  WheelFile file;
  const Header* field = headers.find("Wheel-Version");
  if (field == nullptr) {
    throw Error(ErrorCode::bad_input, Place{std::string(name)}, "has no Wheel-Version");
  }
  file.wheel_version = field->value;
  const auto version = parse_header_version(field->value);
  const Place place{std::string(name), field->line, 1};
  if (!version) {
    throw Error(ErrorCode::bad_input, place, "Wheel-Version " + quoted(field->value) + " is no version");
  }
  // spec: "Binary distribution format": fail if the major version is greater than what is supported, warn if
  // only the minor version is. There never was a release before 1.0.
  if (version->major != 1) {
    throw Error(ErrorCode::unsupported, place,
                "Wheel-Version " + quoted(field->value) + " is not supported, only 1.x is",
                "update axle, or use an older release of this distribution");
  }
  if (version->minor > 0) {
    file.notes.push_back({Severity::warning, "wheel-version", "", std::string(name),
                          "Wheel-Version " + file.wheel_version + " is newer than 1.0", ""});
  }
  if (const Header* generator = headers.find("Generator")) file.generator = generator->value;
  if (const Header* pure = headers.find("Root-Is-Purelib")) file.root_is_purelib = pure->value == "true";
  if (const Header* build = headers.find("Build")) file.build = build->value;
  for (const auto value : headers.all("Tag")) {
    std::string tag;
    for (const char c : value) {
      if (!is_space(c)) {
        tag += c;
      } else if (!tag.empty()) {
        file.tags.push_back(std::move(tag));
        tag.clear();
      }
    }
    if (!tag.empty()) file.tags.push_back(std::move(tag));
  }
  return file;
}

}  // namespace axle
