// axle debug: one JSON object a line in, one out. docs/cli.md lists the operations.

#include <iostream>
#include <optional>
#include <string>

#include "axle/base/error.h"
#include "cli/commands.h"
#include "cli/debug_archive.h"
#include "cli/debug_lock.h"
#include "cli/debug_object.h"
#include "cli/debug_pep.h"
#include "cli/debug_wheel.h"

namespace axle::cli {
namespace {

using Operation = std::optional<nlohmann::json> (*)(std::string_view, const nlohmann::json&);
constexpr Operation operations[] = {run_pep_operation, run_archive_operation, run_wheel_operation,
                                    run_lock_operation, run_object_operation};

nlohmann::json answer(const std::string& line) {
  const nlohmann::json request = nlohmann::json::parse(line, nullptr, false);
  if (request.is_discarded() || !request.is_object()) return {{"error", "not a JSON object"}};
  const auto op = request.find("op");
  const nlohmann::json args = request.value("args", nlohmann::json());  // each operation says what it takes
  if (op == request.end() || !op->is_string()) return {{"error", "no op"}};
  try {
    for (const Operation run : operations) {
      if (auto value = run(op->get_ref<const std::string&>(), args)) return {{"ok", *std::move(value)}};
    }
  } catch (const Error& error) {
    return {{"error", error.what()}};
  } catch (const std::exception& error) {
    return {{"error", error.what()}};
  }
  return {{"error", "unknown op"}};
}

}  // namespace

int run_debug(const Options&) {
  std::ios::sync_with_stdio(false);
  std::string line;
  while (std::getline(std::cin, line)) {
    std::cout << answer(line).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
    if (std::cin.rdbuf()->in_avail() == 0) std::cout.flush();
  }
  return 0;
}

}  // namespace axle::cli
