#pragma once
// A dependency as metadata and requirement files write it. spec: PEP 508 ("Dependency specifiers").

#include <axle/pep/marker.h>
#include <axle/pep/specifier.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace axle {

// A value: copying is cheap enough; thread-safe.
struct Requirement {
  std::string name;                 // as written; see normalize_name
  std::vector<std::string> extras;  // as written, sorted, without duplicates
  SpecifierSet specifier;           // empty when there is a URL
  std::optional<std::string> url;
  std::optional<Marker> marker;

  // parse throws Error(bad_input) that says what was expected at which column.
  static Requirement parse(std::string_view text);
  static std::optional<Requirement> try_parse(std::string_view text);

  // 'name[extra,other]>=1; python_version < "3.9"', as str() of packaging's Requirement.
  std::string str() const;
};

}  // namespace axle
