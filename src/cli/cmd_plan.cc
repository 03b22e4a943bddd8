// axle plan LOCK: what sync would do, without doing it; with --pins only what is selected.

#include <fcntl.h>

#include <algorithm>

#include "axle/base/error.h"
#include "base/fd.h"
#include "base/text.h"
#include "cli/acquire.h"
#include "cli/commands.h"
#include "cli/environment_commands.h"
#include "cli/launcher_options.h"
#include "cli/native_report.h"
#include "cli/plan_json.h"
#include "cli/sync_wheels.h"
#include "cli/without_links.h"
#include "exec/describe.h"
#include "exec/entry_bytes.h"

namespace axle::cli {
namespace {

// --platform and --python-version may be lists, "a,b": the selection for each target.
// Names that are known to differ: Json::operator[] would look at all members that there are.
void add_member(Json& object, const std::string& name, Json value) {
  object.get_ref<Json::object_t&>().emplace_back(name, std::move(value));
}

int print_pins(const Options& options, const Locks& locks) {
  Json targets = Json::array();
  std::string text;
  const auto values = [](const std::string& list) {
    std::vector<std::string> result;
    for (const std::string_view value : split(list, ',')) result.emplace_back(trim(value));
    return result;
  };
  const std::vector<std::string> platforms = values(options.platform);
  const std::vector<std::string> pythons = values(options.python_version);
  for (const std::string& platform : platforms) {
    for (const std::string& python : pythons) {
      Options target = options;
      target.platform = platform;
      target.python_version = python;
      const Interpreter interpreter = find_interpreter_for(target, find_place(target));
      const Chosen chosen = [&] {
        try {
          return select_all(locks, selection_request(target, interpreter));
        } catch (const Error& error) {
          if (platforms.size() * pythons.size() == 1) throw;
          throw Error(
              error.code(), error.place(),
              error.message() + "; this for Python " + interpreter.version + " on " + interpreter.platform,
              error.hint());
        }
      }();
      Json pins = Json::array();
      Json packages = Json::object();
      Json wheels = Json::object();
      text += "# python " + interpreter.version + ", " + interpreter.platform + "\n";
      for (const Pin& pin : chosen.pins) {
        pins.push_back(pin_to_json(pin));
        add_member(packages, pin.name, pin.version);
        add_member(wheels, pin.name, pin.wheel ? Json(pin.wheel->name) : Json(nullptr));
        text += pin.name + "==" + pin.version + (pin.wheel ? "  " + pin.wheel->name : std::string()) + "\n";
      }
      targets.push_back({{"python", interpreter.version},
                         {"platform", interpreter.platform},
                         {"packages", std::move(packages)},
                         {"wheels", std::move(wheels)},
                         {"pins", std::move(pins)},
                         {"notes", to_json(chosen.notes)}});
    }
  }
  if (options.json) {
    // With one target, what callers mostly want stands at the top as well.
    Json value;
    if (targets.size() == 1) {
      for (const char* key : {"packages", "wheels", "pins"}) value[key] = targets[0][key];
    }
    value["targets"] = std::move(targets);
    print_json(value);
  } else {
    print_text(text, options);
  }
  return 0;
}

// Of a plan that has some, when they are in the JSON.
int status_of_conflicts(const Plan& plan) {
  try {
    require_no_conflicts(plan);
  } catch (const Error& error) {
    return exit_status(error.code(), 0);
  }
  return 0;
}

}  // namespace

int run_plan(const Options& options) {
  std::vector<std::string> paths = options.arguments;
  paths.insert(paths.end(), options.requirements.begin(), options.requirements.end());
  if (paths.empty()) throw Error(ErrorCode::usage, "plan needs a lock", "axle plan LOCK");
  const Locks locks = read_locks(options, paths, {});
  if (options.pins) return print_pins(options, locks);

  const Opened opened = open_place(options);
  const SelectionRequest request = selection_request(options, opened.interpreter);
  const Chosen chosen = select_all(locks, request);
  Store store = open_store(options);
  Installation installation;
  const auto root = try_open_dir(AT_FDCWD, opened.path);
  if (root) installation = read_installation(*root, opened.layout, &store);
  Diagnostics notes = installation.notes;
  std::vector<PlanWheel> wheels = sync_wheels(options, chosen, request, installation, store, notes);
  PlanInput input = plan_input_for(options, opened, installation, std::move(wheels), store, notes);
  if (root) foresee_without_links(*root, installation, input, notes);
  Plan plan = make_plan(input);
  if (root && !options.force) {
    for (Conflict& conflict : find_conflicts_on_disk(*root, installation, plan))
      plan.conflicts.push_back(std::move(conflict));
  }
  require_editable(plan, store_trees(plan, store));
  ApplyResult changes = preview(root ? &*root : nullptr, installation, plan, store, apply_options(options));
  changes.notes.insert(changes.notes.begin(), notes.begin(), notes.end());
  changes.notes.insert(changes.notes.end(), plan.notes.begin(), plan.notes.end());
  const NativeReport native = report_links(plan, opened.interpreter, store);
  if (options.json) {
    Json value = plan_to_json(plan, changes);
    value["native"] = native_to_json(native);
    print_json(value);
  } else {
    print_diagnostics(changes.notes, options);
    print_text(native_to_text(native) + plan_to_text(plan, changes), options);
  }
  const bool undecided = std::any_of(plan.conflicts.begin(), plan.conflicts.end(),
                                     [](const Conflict& conflict) { return !conflict.winner; });
  if (undecided && !options.json) require_no_conflicts(plan);
  if (undecided) return status_of_conflicts(plan);
  return options.check && changes.paths_added + changes.paths_removed != 0 ? 1 : 0;
}

}  // namespace axle::cli
