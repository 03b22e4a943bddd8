#pragma once
// What `axle inspect` says of a wheel. Schema: docs/json.md.

#include <string>

#include "axle/wheel/facts.h"
#include "cli/report.h"

namespace axle::cli {

Json facts_to_json(const WheelFacts& facts, const std::string& file);
// What each file is and why: adds `class` and `class_reason` to the rows of `files`, where `json` has them,
// and `classes`.
void add_classes(const WheelFacts& facts, Json& json, std::string& text);
std::string facts_to_text(const WheelFacts& facts, const std::string& file);

}  // namespace axle::cli
