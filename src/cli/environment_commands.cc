#include "cli/environment_commands.h"

#include <fcntl.h>

#include "axle/base/error.h"
#include "base/fd.h"
#include "base/file.h"
#include "exec/environment.h"

namespace axle::cli {
namespace {

// The store of a command with --no-store, under the root; gone when the command ends.
constexpr const char* own_store = ".axle/store";

void remove_own_store(const Environment& environment, Diagnostics& notes) {
  try {
    remove_tree(environment.root().get(), own_store);
  } catch (const Error& error) {
    notes.push_back({Severity::warning, "clean-up", "", own_store, "could not be removed: " + error.message(),
                     "the next command on this environment tries again"});
  }
}

// An environment stays what it is where nobody says otherwise: linked, and relocatable.
PlanInput plan_input_for(const Options& options, const Opened& opened, const Installation& installation,
                         std::vector<PlanWheel> wheels) {
  PlanInput input = make_plan_input(options, opened, std::move(wheels));
  const bool linked = installation.head && installation.head->link_mode == to_string(LinkMode::symlink);
  if (linked && input.policy.link_mode == LinkMode::automatic && !options.no_store) {
    input.policy.link_mode = LinkMode::symlink;
  }
  if (opened.place.kind == LayoutKind::venv && !opened.makes_skeleton) {
    const std::string config = opened.path + "/pyvenv.cfg";
    const auto text = try_read_file(AT_FDCWD, config);
    if (text && parse_pyvenv_config(*text, config).relocatable) input.policy.relocatable = Relocatable::yes;
  }
  return input;
}

int preview_change(const Options& options, const Opened& opened, const Decide& decide,
                   const Stopwatch& watch) {
  Store store = Store::open(store_path(options));
  const auto root = try_open_dir(AT_FDCWD, opened.path);
  Installation installation;
  if (root) installation = read_installation(*root, opened.layout, &store);
  Diagnostics notes;
  const Plan plan =
      make_plan(plan_input_for(options, opened, installation, decide(installation, store, notes)));
  require_no_conflicts(plan);
  ApplyResult result = preview(installation, plan, apply_options(options));
  result.notes.insert(result.notes.begin(), notes.begin(), notes.end());
  result.notes.insert(result.notes.end(), plan.notes.begin(), plan.notes.end());
  report_change(result, opened.path, watch, options);
  return 0;
}

}  // namespace

Opened open_place(const Options& options) {
  Opened opened;
  opened.place = find_place(options);
  Environment::recover(opened.place.physical, environment_options(options, opened.place));
  opened.interpreter = find_interpreter_for(options, opened.place);
  opened.layout = make_layout(options, opened.place, opened.interpreter);
  opened.path = options.root.empty() ? opened.layout.root : absolute_path(options.root) + opened.layout.root;
  opened.makes_skeleton = opened.place.kind == LayoutKind::venv && !is_environment(opened.place);
  return opened;
}

PlanInput make_plan_input(const Options& options, const Opened& opened, std::vector<PlanWheel> wheels) {
  PlanInput input;
  input.interpreter = opened.interpreter;
  input.layout = opened.layout;
  input.wheels = std::move(wheels);
  input.policy = make_policy(options);
  if (opened.makes_skeleton) input.venv = VenvSpec{options.prompt, options.system_site_packages};
  input.script_interpreter = script_interpreter(opened.place, opened.interpreter, opened.layout);
  return input;
}

PlanWheel keep(const LaidDist& dist) { return {dist.facts, dist.requested, dist.direct_url, dist.ours}; }

int change_environment(const Options& options, const Opened& opened, const ReceiptHead& head,
                       const Decide& decide, const Stopwatch& watch) {
  if (options.dry_run) return preview_change(options, opened, decide, watch);
  Environment environment = Environment::open(opened.path, environment_options(options, opened.place));
  // Left by a command that was killed.
  remove_tree(environment.root().get(), own_store);
  Store store = options.no_store ? Store::open(environment.location() + "/" + own_store, StoreUse::once)
                                 : Store::open(store_path(options));
  ApplyResult result;
  try {
    Installation installation;
    if (!environment.is_new()) installation = read_installation(environment.root(), opened.layout, &store);
    Diagnostics notes = installation.notes;
    const Plan plan =
        make_plan(plan_input_for(options, opened, installation, decide(installation, store, notes)));
    notes.insert(notes.end(), plan.notes.begin(), plan.notes.end());
    result = apply(environment, installation, plan, store, head, apply_options(options));
    result.notes.insert(result.notes.begin(), notes.begin(), notes.end());
  } catch (...) {
    Diagnostics unheard;
    if (options.no_store) remove_own_store(environment, unheard);
    throw;
  }
  if (options.no_store) remove_own_store(environment, result.notes);
  report_change(result, opened.path, watch, options);
  return 0;
}

}  // namespace axle::cli
