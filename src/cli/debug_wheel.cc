#include "cli/debug_wheel.h"

#include <string>

#include "axle/base/error.h"
#include "axle/wheel/entry_points.h"
#include "axle/wheel/pth.h"
#include "axle/wheel/record.h"

namespace axle::cli {
namespace {

using nlohmann::json;

std::string text_argument(const json& args) {
  if (!args.is_array() || args.size() != 1 || !args[0].is_string()) {
    throw Error(ErrorCode::usage, "the argument must be one text");
  }
  return args[0].get<std::string>();
}

// The digest's parts and the size are null where the row has none; the size is a number.
json record_rows(const std::string& text) {
  json rows = json::array();
  for (const RecordRow& row : parse_record(text, "RECORD")) {
    const bool has_digest = !row.algorithm.empty();
    rows.push_back({row.path, has_digest ? json(row.algorithm) : json(),
                    has_digest ? json(row.digest) : json(), row.size ? json(*row.size) : json()});
  }
  return rows;
}

json entry_points(const std::string& text) {
  json groups = json::object();
  for (const EntryPoint& entry : parse_entry_points(text, "entry_points.txt")) {
    groups[entry.group][entry.name] = entry.value;
  }
  return groups;
}

json pth_lines(const std::string& text) {
  json lines = json::array();
  for (const PthLine& line : classify_pth(text)) {
    lines.push_back({{"kind", std::string(to_string(line.kind))}, {"text", line.text}});
  }
  return lines;
}

}  // namespace

std::optional<json> run_wheel_operation(std::string_view op, const json& args) {
  if (op == "record-parse") return record_rows(text_argument(args));
  if (op == "entry-points-parse") return entry_points(text_argument(args));
  if (op == "pth-classify") return pth_lines(text_argument(args));
  return std::nullopt;
}

}  // namespace axle::cli
