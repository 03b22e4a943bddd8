#include "axle/wheel/metadata.h"

#include <algorithm>

#include "axle/base/error.h"
#include "axle/pep/name.h"
#include "axle/pep/version.h"
#include "base/text.h"
#include "wheel/header_version.h"
#include "wheel/lines.h"

namespace axle {
namespace {

constexpr std::size_t max_headers = 100'000;

// The length of a header's name at the front of `line`, or npos. spec: RFC 5322 §2.2: printable ASCII but
// ':'.
std::size_t header_name(std::string_view line) noexcept {
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == ':') return i;
    const auto byte = static_cast<unsigned char>(line[i]);
    if (byte <= 0x20 || byte >= 0x7f) return std::string_view::npos;
  }
  return std::string_view::npos;
}

// A folded value on one line. spec: RFC 5322 §2.2.3 (unfolding).
std::string unfold(std::string_view value) {
  std::string line;
  LineReader pieces(value, LineEnds::universal);
  for (std::string_view piece; pieces.next(piece);) {
    piece = trim(piece);
    if (piece.empty()) continue;
    if (!line.empty()) line += ' ';
    line += piece;
  }
  return line;
}

std::string first(const Headers& headers, std::string_view name) {
  const Header* header = headers.find(name);
  return header == nullptr ? std::string() : unfold(header->value);
}

std::vector<std::string> unfolded(const Headers& headers, std::string_view name) {
  std::vector<std::string> values;
  for (const auto value : headers.all(name)) values.push_back(unfold(value));
  return values;
}

// "name ; private" without what follows the name. spec: PEP 794.
std::vector<std::string> import_list(const Headers& headers, std::string_view name) {
  std::vector<std::string> values;
  for (const auto value : headers.all(name)) {
    const std::string line = unfold(value);
    const auto bare = trim(std::string_view(line).substr(0, line.find(';')));
    if (!bare.empty()) values.emplace_back(bare);
  }
  return values;
}

void check_metadata_version(Metadata& metadata, const Headers& headers, std::string_view name) {
  const Header* header = headers.find("Metadata-Version");
  const auto warn = [&](std::string message) {
    metadata.notes.push_back(
        {Severity::warning, "metadata-version", metadata.name, std::string(name), std::move(message), ""});
  };
  if (header == nullptr) {
    warn("has no Metadata-Version");
    return;
  }
  metadata.metadata_version = unfold(header->value);
  const auto version = parse_header_version(metadata.metadata_version);
  const Place place{std::string(name), header->line, 1};
  if (!version) {
    throw Error(ErrorCode::bad_input, place,
                "Metadata-Version " + quoted(metadata.metadata_version) + " is no version");
  }
  if (version->major >= 3) {
    throw Error(
        ErrorCode::unsupported, place,
        "Metadata-Version " + quoted(metadata.metadata_version) + " is newer than what axle reads (2.x)",
        "update axle, or use an older release of this distribution");
  }
  if (version->major == 2 && version->minor > 6) {
    warn("Metadata-Version " + metadata.metadata_version +
         " is newer than 2.6; fields that it adds are not read");
  }
}

}  // namespace

const Header* Headers::find(std::string_view name) const noexcept {
  const auto found = std::find_if(fields.begin(), fields.end(),
                                  [&](const Header& field) { return ascii_iequal(field.name, name); });
  return found == fields.end() ? nullptr : &*found;
}

std::vector<std::string_view> Headers::all(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const Header& field : fields) {
    if (ascii_iequal(field.name, name)) values.push_back(field.value);
  }
  return values;
}

Headers parse_headers(std::string_view text, std::string_view name) {
  check_text(text, name);
  if (text.starts_with(utf8_bom)) text.remove_prefix(utf8_bom.size());
  Headers headers;
  LineReader lines(text, LineEnds::universal);
  std::string_view before = text;
  for (std::string_view line; lines.next(line); before = lines.rest()) {
    if (line.empty()) {
      headers.body = lines.rest();
      break;
    }
    if (line.front() == ' ' || line.front() == '\t') {
      // A continuation before any header is skipped, as email does.
      if (headers.fields.empty()) continue;
      headers.fields.back().value += '\n';
      headers.fields.back().value += line;
      continue;
    }
    const std::size_t length = header_name(line);
    if (length == std::string_view::npos) {
      headers.body = before;
      break;
    }
    if (length == 0) continue;
    if (headers.fields.size() == max_headers) {
      throw Error(ErrorCode::bad_input, Place{std::string(name), lines.number(), 1},
                  "has more than 100000 headers");
    }
    headers.fields.push_back(
        {std::string(line.substr(0, length)), std::string(line.substr(length + 1)), lines.number()});
  }
  for (Header& field : headers.fields) field.value = std::string(trim(field.value));
  return headers;
}

Metadata parse_metadata(std::string_view text, std::string_view name) {
  const Headers headers = parse_headers(text, name);
  Metadata metadata;
  const Header* name_field = headers.find("Name");
  const Header* version_field = headers.find("Version");
  // First: a newer format may mean anything by its fields.
  metadata.name = first(headers, "Name");
  check_metadata_version(metadata, headers, name);
  if (name_field == nullptr || metadata.name.empty()) {
    throw Error(ErrorCode::bad_input, Place{std::string(name)}, "has no Name");
  }
  if (!is_valid_name(metadata.name)) {
    throw Error(ErrorCode::bad_input, Place{std::string(name), name_field->line, 1},
                "Name " + quoted(metadata.name) + " is no distribution name");
  }
  metadata.version = first(headers, "Version");
  if (version_field == nullptr || metadata.version.empty()) {
    throw Error(ErrorCode::bad_input, Place{std::string(name)}, "has no Version");
  }
  if (!Version::try_parse(metadata.version)) {
    throw Error(ErrorCode::bad_input, Place{std::string(name), version_field->line, 1},
                "Version " + quoted(metadata.version) + " is no version (PEP 440)");
  }
  metadata.summary = first(headers, "Summary");
  if (const Header* license = headers.find("License")) metadata.license = license->value;
  metadata.license_expression = first(headers, "License-Expression");
  metadata.license_files = unfolded(headers, "License-File");
  for (std::string& classifier : unfolded(headers, "Classifier")) {
    if (classifier.starts_with("License ::")) metadata.license_classifiers.push_back(std::move(classifier));
  }
  metadata.requires_dist = unfolded(headers, "Requires-Dist");
  if (headers.find("Requires-Python") != nullptr)
    metadata.requires_python = first(headers, "Requires-Python");
  metadata.provides_extra = unfolded(headers, "Provides-Extra");
  metadata.import_names = import_list(headers, "Import-Name");
  metadata.import_namespaces = import_list(headers, "Import-Namespace");
  for (const std::string& import_name : metadata.import_names) {
    const auto& others = metadata.import_namespaces;
    if (std::find(others.begin(), others.end(), import_name) != others.end()) {
      throw Error(ErrorCode::bad_input, Place{std::string(name)},
                  quoted(import_name) + " is both an Import-Name and an Import-Namespace");
    }
  }
  const std::string home = first(headers, "Home-page");
  if (!home.empty()) metadata.project_urls.push_back("Homepage, " + home);
  for (std::string& url : unfolded(headers, "Project-URL")) metadata.project_urls.push_back(std::move(url));
  metadata.author = first(headers, "Author");
  if (metadata.author.empty()) metadata.author = first(headers, "Author-email");
  return metadata;
}

}  // namespace axle
