#include "cli/inspect_json.h"

#include "axle/object/object_facts.h"
#include "axle/wheel/classify.h"
#include "axle/wheel/pth.h"
#include "plan/startup_code.h"

namespace axle::cli {
namespace {

constexpr std::pair<std::uint16_t, std::string_view> flag_names[] = {
    {file_flag::native, "native"},
    {file_flag::startup, "startup"},
    {file_flag::script_python, "python-script"},
    {file_flag::pyc, "byte-code"},
    {file_flag::python, "python"},
    {file_flag::dist_info, "dist-info"},
    {file_flag::init, "init"},
};

Json list_of(const std::vector<std::string_view>& texts) {
  Json list = Json::array();
  for (const std::string_view text : texts) list.push_back(text);
  return list;
}

Json or_null(const std::optional<std::string>& text) { return text ? Json(*text) : Json(nullptr); }

Json files_of(const WheelFacts& facts) {
  Json list = Json::array();
  std::uint32_t index = 0;
  for (const FileFact& file : facts.files()) {
    Json kinds = Json::array();
    for (const auto& [flag, name] : flag_names) {
      if (file.has(flag)) kinds.push_back(name);
    }
    list.push_back({{"path", facts.path_of(index)},
                    {"scheme", to_string(facts.scheme_of(file))},
                    {"size", file.size},
                    {"sha256", file.sha256.hex()},
                    {"executable", file.has(file_flag::executable)},
                    {"kinds", std::move(kinds)}});
    ++index;
  }
  return list;
}

Json entry_points_of(const WheelFacts& facts) {
  Json groups = Json::object();
  for (const EntryPoint& point : facts.entry_points()) groups[point.group][point.name] = point.value;
  return groups;
}

Json namespaces_of(const WheelFacts& facts) {
  Json list = Json::array();
  std::uint32_t index = 0;
  for (const DirFact& dir : facts.dirs()) {
    const std::uint32_t here = index++;
    if (dir.kind == NamespaceKind::not_package || dir.kind == NamespaceKind::regular) continue;
    const std::string path = facts.dir_path(here);
    if (!path.empty()) list.push_back({{"path", path}, {"kind", to_string(dir.kind)}});
  }
  return list;
}

Json startup_of(const WheelFacts& facts) {
  Json list = Json::array();
  for (std::size_t i = 0; i < facts.startup_count(); ++i) {
    const StartupFile file = facts.startup(i);
    const std::string path = facts.path_of(file.file);
    const std::vector<std::string> code = startup_code(path, file.text, {});
    Json lines = Json::array();
    if (path.ends_with(".pth") || path.ends_with(".start")) {
      for (const PthLine& line :
           path.ends_with(".pth") ? classify_pth(file.text) : classify_start(file.text)) {
        lines.push_back({{"kind", to_string(line.kind)}, {"text", line.text}});
      }
    }
    list.push_back({{"path", path},
                    {"runs_code", !code.empty()},
                    {"known_as", file.truncated ? std::string() : known_startup_code(code)},
                    {"truncated", file.truncated},
                    {"lines", std::move(lines)}});
  }
  return list;
}

Json objects_of(const WheelFacts& facts) {
  Json list = Json::array();
  for (std::size_t i = 0; i < facts.object_count(); ++i) {
    const ObjectFacts object = facts.object(i);
    list.push_back({{"path", facts.path_of(facts.object_file(i))},
                    {"format", to_string(object.format)},
                    {"kind", to_string(object.kind)},
                    {"machine", object.machine},
                    {"bits", object.bits},
                    {"soname", object.soname},
                    {"needed", object.needed},
                    {"weak_needed", object.weak_needed},
                    {"delay_needed", object.delay_needed},
                    {"rpath", or_null(object.rpath)},
                    {"runpath", or_null(object.runpath)},
                    {"rpaths", object.rpaths},
                    {"version_needs", object.version_needs},
                    {"minimum_os", object.minimum_os},
                    {"slices", object.slices},
                    {"error", object.error}});
  }
  return list;
}

Json record_of(const WheelFacts& facts) {
  Json faults = Json::array();
  for (const RecordFault& fault : facts.record_faults())
    faults.push_back({{"path", fault.path}, {"what", fault.what}});
  return {{"ok", facts.record_ok()}, {"faults", std::move(faults)}};
}

std::uint64_t bytes_of(const WheelFacts& facts) {
  std::uint64_t bytes = 0;
  for (const FileFact& file : facts.files()) bytes += file.size;
  return bytes;
}

void add_line(std::string& text, std::string_view label, std::string_view value) {
  if (value.empty()) return;
  text += "  " + std::string(label) + ": " + std::string(value) + "\n";
}

std::string joined(const std::vector<std::string_view>& parts) {
  std::string text;
  for (const std::string_view part : parts) text += (text.empty() ? "" : ", ") + std::string(part);
  return text;
}

}  // namespace

Json facts_to_json(const WheelFacts& facts, const std::string& file) {
  const auto requires_python = facts.requires_python();
  return {{"file", file},
          {"sha256", facts.wheel_sha256().hex()},
          {"size", facts.archive_size()},
          {"name", facts.name()},
          {"normalized_name", facts.normalized()},
          {"version", facts.version()},
          {"summary", facts.summary()},
          {"tags", list_of(facts.tags())},
          {"root_is_purelib", facts.root_is_purelib()},
          {"requires_python", requires_python ? Json(*requires_python) : Json(nullptr)},
          {"requires_dist", list_of(facts.requires_dist())},
          {"provides_extra", list_of(facts.provides_extra())},
          {"license_expression", facts.license_expression()},
          {"import_roots", list_of(facts.import_roots())},
          {"entry_points", entry_points_of(facts)},
          {"namespaces", namespaces_of(facts)},
          {"startup", startup_of(facts)},
          {"objects", objects_of(facts)},
          {"record", record_of(facts)},
          {"warnings", list_of(facts.warnings())},
          {"files", files_of(facts)}};
}

void add_classes(const WheelFacts& facts, Json& json, std::string& text) {
  const auto rows = json.find("files");
  const bool has_rows = rows != json.end() && rows->is_array();
  Json classes = Json::object();
  for (std::uint32_t index = 0; index < facts.files().size(); ++index) {
    const Classification found = classify_file(facts, index);
    const std::string name(to_string(found.file_class));
    if (has_rows) {
      (*rows)[index]["class"] = name;
      (*rows)[index]["class_reason"] = found.reason;
    }
    Json& sum = classes[name];
    if (sum.is_null()) sum = {{"files", 0}, {"bytes", 0}};
    sum["files"] = sum["files"].get<std::uint64_t>() + 1;
    sum["bytes"] = sum["bytes"].get<std::uint64_t>() + facts.file(index).size;
    text += "    " + name + std::string(name.size() < 12 ? 12 - name.size() : 0, ' ') + "  " +
            facts.path_of(index) + " (" + found.reason + ")\n";
  }
  json["classes"] = std::move(classes);
}

std::string facts_to_text(const WheelFacts& facts, const std::string& file) {
  std::string text = file + "\n";
  add_line(text, "distribution", std::string(facts.name()) + " " + std::string(facts.version()));
  add_line(text, "summary", facts.summary());
  add_line(text, "tags", joined(facts.tags()));
  add_line(text, "requires Python", facts.requires_python().value_or(""));
  for (const std::string_view requirement : facts.requires_dist()) add_line(text, "requires", requirement);
  add_line(text, "imports", joined(facts.import_roots()));
  add_line(text, "files",
           std::to_string(facts.files().size()) + ", " + std::to_string(bytes_of(facts)) + " bytes");
  for (const EntryPoint& point : facts.entry_points()) {
    add_line(text, point.group, point.name + " = " + point.value);
  }
  const Json namespaces = namespaces_of(facts);
  for (const Json& one : namespaces) {
    add_line(text, "namespace", one["path"].get<std::string>() + " (" + one["kind"].get<std::string>() + ")");
  }
  for (std::size_t i = 0; i < facts.startup_count(); ++i) {
    const StartupFile startup = facts.startup(i);
    const std::string path = facts.path_of(startup.file);
    const std::vector<std::string> code = startup_code(path, startup.text, {});
    std::string what = path + (code.empty() ? ": only paths" : ": runs " + code.front());
    if (code.size() > 1) what += " and more lines: " + std::to_string(code.size() - 1);
    add_line(text, "startup", what);
  }
  for (std::size_t i = 0; i < facts.object_count(); ++i) {
    const ObjectFacts object = facts.object(i);
    std::string what = facts.path_of(facts.object_file(i)) + " (" + std::string(to_string(object.format)) +
                       ", " + object.machine + ")";
    for (const std::string& needed : object.needed) what += " " + needed;
    if (!object.error.empty()) what += ": " + object.error;
    add_line(text, "library", what);
  }
  for (const std::string_view warning : facts.warnings()) add_line(text, "warning", warning);
  for (const RecordFault& fault : facts.record_faults())
    add_line(text, "RECORD is wrong", fault.path + ": " + fault.what);
  if (facts.record_ok()) add_line(text, "RECORD", "right");
  return text;
}

}  // namespace axle::cli
