#pragma once
// METADATA of a distribution, and the header syntax that it shares with WHEEL.
// spec: "Core metadata specifications" (1.0 to 2.6), read as Python's email package reads it.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "axle/base/diagnostic.h"

namespace axle {

// One header. The value is trimmed; folded lines are joined by '\n' with their indentation kept.
struct Header {
  std::string name;  // as written
  std::string value;
  std::size_t line = 0;  // from 1
};

struct Headers {
  std::vector<Header> fields;  // in order, repeated ones too
  std::string_view body;       // what follows the first empty line, into the text given

  // Names compare without case.
  const Header* find(std::string_view name) const noexcept;  // the first; nullptr: none
  std::vector<std::string_view> all(std::string_view name) const;
};

// As tolerant as Python's email.parser (compat32): a line that is no header ends the headers, and begins the
// body. Throws Error(bad_input) with `name` and line only for text that is not UTF-8 or holds a NUL.
Headers parse_headers(std::string_view text, std::string_view name);

struct Metadata {
  std::string metadata_version;  // "2.1"; "" when the field is missing (a warning)
  std::string name;              // as written
  std::string version;           // as written, trimmed
  std::string summary;
  std::string license;             // the free text
  std::string license_expression;  // SPDX (2.4)
  std::vector<std::string> license_files;
  std::vector<std::string> license_classifiers;  // "License :: OSI Approved :: MIT License"
  std::vector<std::string> requires_dist;        // unfolded to one line each, otherwise as written
  std::optional<std::string> requires_python;
  std::vector<std::string> provides_extra;     // as written
  std::vector<std::string> import_names;       // 2.5; without "; private"
  std::vector<std::string> import_namespaces;  // 2.5
  std::vector<std::string> project_urls;       // "label, url"; Home-page as "Homepage, url"
  std::string author;                          // Author, else Author-email
  Diagnostics notes;                           // "metadata-version" and the like
};

// `name` is what errors call the text ("x.whl: demo-1.0.dist-info/METADATA"). Throws Error(bad_input) for
// text that is not UTF-8, a missing or invalid Name, a missing or malformed Version, a malformed
// Metadata-Version, one name in both Import-Name and Import-Namespace; Error(unsupported) for
// Metadata-Version 3 and later. A newer 2.x is a note. Pure; thread-safe.
Metadata parse_metadata(std::string_view text, std::string_view name);

}  // namespace axle
