#pragma once
// What the link doctor says of a plan, a wheel or an environment, as text and JSON; the same for all of them.

#include <cstddef>
#include <map>
#include <string>

#include "axle/base/diagnostic.h"
#include "axle/env/interpreter.h"
#include "axle/plan/plan.h"
#include "axle/store/store.h"
#include "cli/report.h"

namespace axle::cli {

struct NativeReport {
  std::size_t objects = 0;
  std::map<std::string, std::size_t> verdicts;  // needs by verdict; empty where only problems are known
  Diagnostics problems;                         // as check has them
};

NativeReport report_links(const Plan& plan, const Interpreter& interpreter, const Store& store);
// Of a wheel alone, on the platform of its first tag: what it needs of other wheels is not found.
NativeReport report_links(const WheelFacts& wheel);

Json native_to_json(const NativeReport& report);
// A line a problem; "" when there is none.
std::string native_to_text(const NativeReport& report);

}  // namespace axle::cli
