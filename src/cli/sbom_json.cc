#include "cli/sbom_json.h"

#include <algorithm>
#include <ctime>
#include <set>

#include "axle/wheel/licence.h"
#include "base/text.h"
#include "cli/link_url.h"
#include "cli/version.h"

namespace axle::cli {
namespace {

Licence licence_of(const DescribedDist& dist) {
  LicenceFields fields{dist.license_expression, dist.license_text, {}};
  fields.classifiers.assign(dist.license_classifiers.begin(), dist.license_classifiers.end());
  return find_licence(fields);
}

// spec: package-url, type pypi: the name is normalized, other characters of a version are percent-encoded.
std::string purl(const DescribedDist& dist) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string text = "pkg:pypi/" + dist.name + "@";
  for (const char c : dist.version) {
    if (is_alnum(c) || c == '.' || c == '-' || c == '_' || c == '~') {
      text += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      text += '%';
      text += digits[byte >> 4];
      text += digits[byte & 15];
    }
  }
  return text;
}

Json licences_of(const DescribedDist& dist) {
  const Licence licence = licence_of(dist);
  Json list = Json::array();
  if (licence.is_id) {
    list.push_back({{"license", {{"id", licence.expression}}}});
  } else if (!licence.expression.empty()) {
    list.push_back({{"expression", licence.expression}});
  } else {
    for (const std::string& name : licence.names) list.push_back({{"license", {{"name", name}}}});
  }
  return list;
}

// What CycloneDX calls a link, by the label that projects give it.
std::string reference_type(std::string_view label) {
  const std::string lower = ascii_lower(label);
  const auto has = [&](std::string_view word) { return lower.find(word) != std::string::npos; };
  if (has("home")) return "website";
  if (has("doc")) return "documentation";
  if (has("source") || has("repository") || has("code") || has("github")) return "vcs";
  if (has("issue") || has("bug") || has("tracker")) return "issue-tracker";
  if (has("change") || has("release") || has("history")) return "release-notes";
  return "other";
}

Json references_of(const DescribedDist& dist) {
  Json list = Json::array();
  for (const std::string& row : dist.project_urls) {
    const std::size_t comma = row.find(',');
    const auto url = link_url(trim(std::string_view(row).substr(comma == std::string::npos ? 0 : comma + 1)));
    if (url)
      list.push_back({{"type", reference_type(std::string_view(row).substr(0, comma))}, {"url", *url}});
  }
  return list;
}

Json component(const DescribedDist& dist) {
  Json one = {
      {"type", "library"}, {"bom-ref", purl(dist)}, {"name", dist.display_name}, {"version", dist.version}};
  if (!dist.author.empty()) one["author"] = dist.author;
  if (!dist.summary.empty()) one["description"] = dist.summary;
  if (dist.sha256) one["hashes"] = Json::array({{{"alg", "SHA-256"}, {"content", dist.sha256->hex()}}});
  Json licences = licences_of(dist);
  if (!licences.empty()) one["licenses"] = std::move(licences);
  one["purl"] = purl(dist);
  Json references = references_of(dist);
  if (!references.empty()) one["externalReferences"] = std::move(references);
  if (!dist.file.empty()) one["properties"] = Json::array({{{"name", "axle:wheel"}, {"value", dist.file}}});
  return one;
}

std::string timestamp(std::int64_t seconds) {
  const auto time = static_cast<std::time_t>(seconds);
  std::tm parts{};
  gmtime_r(&time, &parts);
  char text[32];
  const std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {text, size};
}

// RFC 9562, version 8: the bits are ours, here those of a digest.
std::string uuid_of(const std::string& content) {
  Sha256 digest = Sha256::of(content);
  digest.bytes[6] = static_cast<std::uint8_t>((digest.bytes[6] & 0x0f) | 0x80);
  digest.bytes[8] = static_cast<std::uint8_t>((digest.bytes[8] & 0x3f) | 0x80);
  const std::string hex = digest.hex();
  return hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-" + hex.substr(12, 4) + "-" + hex.substr(16, 4) + "-" +
         hex.substr(20, 12);
}

}  // namespace

Json make_sbom(const Described& described, std::optional<std::int64_t> time) {
  Json components = Json::array();
  for (const DescribedDist& dist : described.dists) components.push_back(component(dist));
  const std::vector<DependencyPackage> packages = dependency_packages(described);
  const DependencyGraph graph = make_dependency_graph(packages, marker_environment(described.interpreter));
  Json dependencies = Json::array();
  for (std::size_t i = 0; i < described.dists.size(); ++i) {
    std::set<std::string> refs;
    for (const Dependency& dependency : graph.of[i]) {
      if (dependency.package && *dependency.package != i)
        refs.insert(purl(described.dists[*dependency.package]));
    }
    dependencies.push_back({{"ref", purl(described.dists[i])}, {"dependsOn", refs}});
  }
  Json metadata = Json::object();
  if (time) metadata["timestamp"] = timestamp(*time);
  metadata["tools"] = {
      {"components", Json::array({{{"type", "application"}, {"name", "axle"}, {"version", version}}})}};
  const Json body = {{"metadata", metadata}, {"components", components}, {"dependencies", dependencies}};
  const std::string content = body.dump(-1, ' ', false, Json::error_handler_t::replace);
  return {{"$schema", "http://cyclonedx.org/schema/bom-1.5.schema.json"},
          {"bomFormat", "CycloneDX"},
          {"specVersion", "1.5"},
          {"serialNumber", "urn:uuid:" + uuid_of(content)},
          {"version", 1},
          {"metadata", std::move(metadata)},
          {"components", std::move(components)},
          {"dependencies", std::move(dependencies)}};
}

Json licences_to_json(const Described& described) {
  Json list = Json::array();
  for (const DescribedDist& dist : described.dists) {
    const Licence licence = licence_of(dist);
    list.push_back({{"name", dist.name},
                    {"version", dist.version},
                    {"expression", licence.expression.empty() ? Json(nullptr) : Json(licence.expression)},
                    {"names", licence.names},
                    {"files", dist.license_files}});
  }
  return {{"of", described.of}, {"licenses", std::move(list)}};
}

std::string licences_to_text(const Described& described) {
  std::size_t width = 0;
  for (const DescribedDist& dist : described.dists) {
    width = std::max(width, dist.name.size() + dist.version.size() + 1);
  }
  std::string text;
  for (const DescribedDist& dist : described.dists) {
    std::string line = dist.name + " " + dist.version;
    line.resize(width + 2, ' ');
    text += line + licence_of(dist).str() + "\n";
  }
  return text;
}

}  // namespace axle::cli
