// axle rpath FILE|DIR...: shows and changes where native objects look for their libraries.

#include <algorithm>

#include "axle/base/error.h"
#include "axle/object/object_facts.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/report.h"
#include "exec/edit_objects.h"

namespace axle::cli {
namespace {

RpathChange change_of(const Options& options) {
  RpathChange change;
  if (options.set_rpath) {
    change.set.emplace();
    if (!options.set_rpath->empty()) {
      for (const std::string_view entry : split(*options.set_rpath, ':')) change.set->emplace_back(entry);
    }
  }
  change.add = options.add_rpaths;
  change.remove = options.remove_rpaths;
  if (options.shrink) change.shrink = RpathChange::Shrink::yes;
  if (options.print && !change.is_none()) {
    throw Error(ErrorCode::usage, "--print changes nothing, and --set, --add, --remove and --shrink do",
                "--dry-run shows what an edit would do");
  }
  return change;
}

std::string joined(const std::vector<std::string>& entries) {
  std::string text;
  for (std::size_t i = 0; i < entries.size(); ++i) text += (i == 0 ? "" : ":") + entries[i];
  return text;
}

// "rpath" or "runpath" of ELF, "lc_rpath" of Mach-O, "" for none.
std::string list_kind(const ObjectFacts& facts) {
  if (facts.format == ObjectFacts::Format::macho) return facts.rpaths.empty() ? "" : "lc_rpath";
  return facts.runpath ? "runpath" : facts.rpath ? "rpath" : "";
}

Json object_to_json(const EditedObject& object) {
  const std::string kind = list_kind(object.facts);
  return {{"path", object.path},
          {"format", to_string(object.facts.format)},
          {"machine", object.facts.machine},
          {"kind", kind.empty() ? Json(nullptr) : Json(kind)},
          {"rpaths", object.rpaths},
          {"result", object.result},
          {"changed", object.changed},
          {"method", object.method.empty() ? Json(nullptr) : Json(object.method)},
          {"size", object.size_before},
          {"size_after", object.size_after},
          {"refused", object.refused.empty() ? Json(nullptr) : Json(object.refused)},
          {"error", object.facts.error.empty() ? Json(nullptr) : Json(object.facts.error)}};
}

std::string object_to_text(const EditedObject& object, bool only_print) {
  if (!object.refused.empty()) return {};
  const std::string kind = list_kind(object.facts);
  if (only_print) {
    std::string text = object.path + ":";
    if (!kind.empty()) text += " " + kind + " " + joined(object.rpaths);
    if (!object.facts.error.empty()) text += " damaged: " + object.facts.error;
    return text + "\n";
  }
  if (!object.changed) return {};
  return object.path + ": " + (object.result.empty() ? "removed" : joined(object.result)) + " (" +
         object.method + ", " + std::to_string(object.size_after - object.size_before) + " bytes more)\n";
}

}  // namespace

int run_rpath(const Options& options) {
  if (options.arguments.empty()) {
    throw Error(ErrorCode::usage, "rpath needs objects or directories",
                "axle rpath FILE|DIR... [--print | --set LIST | --add DIR | --remove DIR | --shrink]");
  }
  const RpathChange change = change_of(options);
  EditObjectsOptions how;
  how.jobs = jobs(options);
  how.store = store_path(options);
  how.write = options.dry_run ? EditWrite::nothing : options.durable ? EditWrite::durable : EditWrite::files;
  const std::vector<EditedObject> objects = edit_objects(options.arguments, change, how);
  std::size_t changed = 0, refused = 0;
  Json list = Json::array();
  std::string text;
  Diagnostics problems;
  for (const EditedObject& object : objects) {
    changed += object.changed ? 1 : 0;
    if (!object.refused.empty()) {
      ++refused;
      problems.push_back(
          {Severity::error, "rpath-refused", "", object.path, "was left alone: " + object.refused, ""});
    }
    if (options.json) list.push_back(object_to_json(object));
    text += object_to_text(object, change.is_none());
  }
  if (options.json) {
    print_json({{"objects", std::move(list)},
                {"changed", changed},
                {"refused", refused},
                {"dry_run", options.dry_run}});
  } else {
    print_diagnostics(problems, options);
    if (!change.is_none()) {
      text += std::to_string(objects.size()) + " objects, " + std::to_string(changed) +
              (options.dry_run ? " to change" : " changed") +
              (refused != 0 ? ", " + std::to_string(refused) + " left alone" : "") + "\n";
    }
    print_text(text, options);
  }
  return refused == 0 ? 0 : exit_status(ErrorCode::unsupported, 0);
}

}  // namespace axle::cli
