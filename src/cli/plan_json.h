#pragma once
// A Plan as JSON and as text. Schema: docs/json.md.

#include <string>

#include "axle/exec/apply.h"
#include "axle/plan/plan.h"
#include "axle/plan/select.h"
#include "cli/report.h"

namespace axle::cli {

// `changes` says what applying it would do.
Json plan_to_json(const Plan& plan, const ApplyResult& changes);
std::string plan_to_text(const Plan& plan, const ApplyResult& changes);

// What was selected: no wheel is opened for it.
Json pin_to_json(const Pin& pin);

}  // namespace axle::cli
