#pragma once
// A bill of materials as CycloneDX 1.5 JSON. spec: CycloneDX 1.5, package-url (pkg:pypi), SPDX.

#include <cstdint>
#include <optional>

#include "cli/described.h"
#include "cli/report.h"

namespace axle::cli {

// The same input gives the same text: the serial number follows from the content, and a time stands in it
// only when one is given (seconds since 1970).
Json make_sbom(const Described& described, std::optional<std::int64_t> time);

// One object a distribution: name, version, licence as far as it is known, licence files.
Json licences_to_json(const Described& described);
std::string licences_to_text(const Described& described);

}  // namespace axle::cli
