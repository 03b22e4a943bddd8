#include "action/reports.h"

#include <map>
#include <string_view>

#include "action/json_text.h"
#include "axle/base/error.h"
#include "base/text.h"

namespace axle {
namespace {

void check_one_line(const std::string& path) {
  if (path.find_first_of("\n\r") == std::string::npos) return;
  throw Error(ErrorCode::usage, "the path " + quoted(path) + " has a line end, which no depfile can hold");
}

// Make's escapes, as far as Ninja knows them too. A backslash stands for itself unless it is before one of
// them.
std::string for_make(const std::string& path) {
  check_one_line(path);
  std::string text;
  std::size_t backslashes = 0;
  for (const char c : path) {
    if (c == ' ' || c == '\t' || c == '#' || c == ':') {
      text.append(c == ' ' || c == '\t' ? backslashes + 1 : 1, '\\');
    } else if (c == '$') {
      text += '$';
    }
    text += c;
    backslashes = c == '\\' ? backslashes + 1 : 0;
  }
  return text;
}

std::string for_ninja(const std::string& path) {
  check_one_line(path);
  std::string text;
  for (const char c : path) {
    if (c == ' ' || c == ':' || c == '$' || c == '|') text += c == '|' ? "" : "$";
    text += c;
  }
  return text;
}

bool is_file(const FlatEntry& entry) noexcept { return entry.kind != FlatKind::directory; }

}  // namespace

std::string render_depfile(const std::string& target, const std::vector<std::string>& inputs,
                           ActionRequest::DepStyle style) {
  std::string text;
  if (style == ActionRequest::DepStyle::lines) {
    for (const std::string& input : inputs) {
      check_one_line(input);
      text += input + "\n";
    }
    return text;
  }
  text = for_make(target) + ":";
  for (const std::string& input : inputs) text += " \\\n " + for_make(input);
  return text + "\n";
}

std::string render_dyndep(const std::string& stamp, const std::string& into,
                          const std::vector<FlatEntry>& entries) {
  std::string text = "ninja_dyndep_version = 1\nbuild " + for_ninja(stamp) + " |";
  for (const FlatEntry& entry : entries) {
    if (is_file(entry)) text += " $\n " + for_ninja(into + "/" + entry.path);
  }
  return text + ": dyndep\n  restat = 1\n";
}

std::string render_manifest(const Plan& plan, const std::string& into, const std::vector<FlatEntry>& entries,
                            const std::vector<std::string>& origins) {
  const std::string lib = plan.layout.purelib ? plan.layout.purelib->str() + "/" : std::string();
  std::map<std::string_view, const FlatEntry*> rows;  // sorted by bytes, which paths of a plan are not
  for (const FlatEntry& entry : entries) {
    if (!is_file(entry) || entry.owner == environment_itself || !entry.path.starts_with(lib)) continue;
    rows.emplace(std::string_view(entry.path).substr(lib.size()), &entry);
  }
  JsonText json;
  json.begin_array();
  for (const auto& [path, entry] : rows) {
    json.line().begin_array().text(path).text(into + "/" + entry->path);
    json.text(origins.at(entry->owner)).end_array();
  }
  return json.line().end_array().finish();
}

std::string render_stamp(const Plan& plan) {
  std::string rows;
  for (const Entry& entry : plan.entries) rows += entry.path.str() + " " + entry.identity.hex() + "\n";
  return "axle " + Sha256::of(rows).hex() + "\n";
}

}  // namespace axle
