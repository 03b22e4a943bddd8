#include "cli/environment_commands.h"

#include <fcntl.h>

#include <algorithm>
#include <set>

#include "axle/base/error.h"
#include "base/fd.h"
#include "base/file.h"
#include "cli/existing.h"
#include "cli/launcher_options.h"
#include "cli/remembered_sync.h"
#include "cli/without_links.h"
#include "env/paths.h"
#include "exec/byte_code.h"
#include "exec/damage.h"
#include "exec/describe.h"
#include "exec/entry_bytes.h"
#include "exec/environment.h"
#include "exec/own_files.h"
#include "exec/remembered_plan.h"

namespace axle::cli {
namespace {

void remove_own_store(const Environment& environment, Diagnostics& notes) {
  try {
    remove_tree(environment.root().get(), own::store);
  } catch (const Error& error) {
    notes.push_back({Severity::warning, "clean-up", "", own::store,
                     "could not be removed: " + error.message(),
                     "the next command on this environment tries again"});
  }
}

// An environment is one Python's: laid out for another, its packages would lie where that Python never looks.
void require_same_python(const Options& options, const Opened& opened) {
  if (options.command == "venv" || !opened.layout.purelib) return;
  const auto lib = opened.layout.purelib->parent();
  if (!lib || try_open_dir(AT_FDCWD, opened.path + "/" + lib->str())) return;
  throw Error(ErrorCode::usage, axle::Place{opened.path},
              "is an environment of another Python: it has no " + lib->str() + ", where packages of " +
                  opened.interpreter.version + " on " + opened.interpreter.platform + " go",
              "choose another --venv, or make this one anew with `axle venv --clear`");
}

int preview_change(const Options& options, const Opened& opened, const Decide& decide,
                   const Stopwatch& watch) {
  Store store = Store::open(store_path(options));
  const auto root = try_open_dir(AT_FDCWD, opened.path);
  Installation installation;
  if (root) installation = read_installation(*root, opened.layout, &store);
  Diagnostics notes;
  std::vector<PlanWheel> wheels = decide(installation, store, notes);
  PlanInput input = plan_input_for(options, opened, installation, std::move(wheels), store, notes);
  if (root) foresee_without_links(*root, installation, input, notes);
  Plan plan = make_plan(input);
  if (root && !options.force) {
    for (Conflict& conflict : find_conflicts_on_disk(*root, installation, plan))
      plan.conflicts.push_back(std::move(conflict));
  }
  require_no_conflicts(plan);
  require_editable(plan, store_trees(plan, store));
  ApplyResult result = preview(root ? &*root : nullptr, installation, plan, store, apply_options(options));
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
  if (opened.place.kind == LayoutKind::venv && !opened.makes_skeleton) require_same_python(options, opened);
  return opened;
}

PlanInput make_plan_input(const Options& options, const Opened& opened, std::vector<PlanWheel> wheels) {
  PlanInput input;
  input.interpreter = opened.interpreter;
  input.layout = opened.layout;
  input.wheels = std::move(wheels);
  input.policy = make_policy(options);
  if (opened.makes_skeleton)
    input.venv = VenvSpec{options.prompt, options.system_site_packages, VenvInterpreter::linked, {}};
  input.script_interpreter = script_interpreter(opened.place, opened.interpreter, opened.layout);
  return input;
}

void compile_wheels(const Options& options, const Interpreter& interpreter, const Store& store,
                    std::vector<PlanWheel>& wheels, Diagnostics& notes) {
  if (!options.compile) return;
  std::vector<WheelFacts> facts;
  std::vector<PlanWheel*> of;
  for (PlanWheel& wheel : wheels) {
    if (!wheel.recorded || !wheel.facts.byte_code().empty()) continue;
    facts.push_back(wheel.facts);
    of.push_back(&wheel);
  }
  if (facts.empty()) return;
  facts = with_byte_code(facts, store, interpreter, jobs(options), notes);
  for (std::size_t i = 0; i < facts.size(); ++i) of[i]->facts = std::move(facts[i]);
}

PlanInput plan_input_for(const Options& options, const Opened& opened, const Installation& installation,
                         std::vector<PlanWheel> wheels, const Store& store, Diagnostics& notes) {
  if (options.command != "uninstall") compile_wheels(options, opened.interpreter, store, wheels, notes);
  PlanInput input = make_plan_input(options, opened, std::move(wheels));
  if (folds_case(opened.path)) input.policy.names = Names::folded;
  input.policy.launcher = make_launcher_policy(options, installation.head ? installation.head->launcher : "");
  const bool linked = installation.head && installation.head->link_mode == to_string(LinkMode::symlink);
  const bool may_link = std::any_of(input.wheels.begin(), input.wheels.end(), [](const PlanWheel& wheel) {
    return wheel.recorded && wheel.may_link == MayLink::yes;
  });
  if (linked && input.policy.link_mode == LinkMode::automatic && (may_link || !options.no_store)) {
    input.policy.link_mode = LinkMode::symlink;
  }
  if (options.rpath.empty() && installation.head && installation.head->rpath == "fix")
    input.policy.rpath = RpathPolicy::fix;
  if (opened.place.kind == LayoutKind::venv && !opened.makes_skeleton) {
    const std::string config = opened.path + "/pyvenv.cfg";
    const auto text = try_read_file(AT_FDCWD, config);
    if (text && parse_pyvenv_config(*text, config).relocatable) input.policy.relocatable = Relocatable::yes;
  }
  return input;
}

PlanWheel keep(const LaidDist& dist) { return {dist.facts, dist.requested, dist.direct_url, dist.ours}; }

namespace {

// With --no-store: what the command brings is laid as files, and what is links stays links, into the store
// that they lead to.
void link_only_what_is_linked(std::vector<PlanWheel>& wheels, const Installation& installation,
                              const Store& own) {
  const std::set<DistId> linked = linked_dists(installation.state);
  std::set<Sha256> ids;
  for (const DistId id : linked) ids.insert(installation.state.dists[id].facts.store_id());
  for (PlanWheel& wheel : wheels) {
    const Sha256 id = wheel.facts.store_id();
    wheel.may_link = ids.contains(id) && !own.find(id) ? MayLink::yes : MayLink::no;
  }
}

// The environment is there: that the next one takes longer is no error.
void remember_sync(const Store& store, const Sha256& key, const ReceiptHead& head, const Plan& plan,
                   const std::string& script_interpreter, const ApplyOptions& how) {
  try {
    remember_plan(store, key, head.inputs, plan.notes, plan, script_interpreter, generated_mtime_ns(how));
  } catch (const Error& error) {
    if (error.code() == ErrorCode::interrupted) throw;
  }
}

// `wheels` gets those of the plan, `notes` come first.
int change_once(const Options& options, const Opened& opened, const ReceiptHead& head, const Decide& decide,
                const Stopwatch& watch, std::vector<WheelFacts>& wheels, Diagnostics notes,
                const std::optional<Sha256>& remember_as) {
  Environment environment = Environment::open(opened.path, environment_options(options, opened.place));
  Store store = options.no_store ? Store::open(environment.location() + "/" + own::store, StoreUse::once)
                                 : Store::open(store_path(options));
  // What is there may link to the store that this command does without.
  const std::optional<Store> linked = options.no_store ? find_store(options) : std::nullopt;
  ApplyOptions how = apply_options(options);
  how.installed_from = linked ? &*linked : nullptr;
  ApplyResult result;
  try {
    Installation installation;
    if (!environment.is_new()) {
      installation = read_installation(environment.root(), opened.layout, &store, how.installed_from);
    }
    notes.insert(notes.end(), installation.notes.begin(), installation.notes.end());
    std::vector<PlanWheel> wanted = decide(installation, store, notes);
    for (const PlanWheel& wheel : wanted) {
      if (wheel.recorded) wheels.push_back(wheel.facts);
    }
    if (options.no_store) link_only_what_is_linked(wanted, installation, store);
    PlanInput input = plan_input_for(options, opened, installation, std::move(wanted), store, notes);
    // Now that axle's own directory is there, it tells for certain, also in an empty place.
    input.policy.names = folds_case(environment.location()) ? Names::folded : Names::exact;
    do_without_links(environment.root(), input, notes);
    const Plan plan = make_plan(input);
    for (const Dist& dist : plan.dists) {
      if (dist.recorded && !dist.facts.byte_code().empty()) wheels.push_back(dist.facts);
    }
    // What was said of the locks or the wheels may be another thing next time.
    const bool remember = remember_as && notes.empty() && is_remembered(installation, input);
    notes.insert(notes.end(), plan.notes.begin(), plan.notes.end());
    result = apply(environment, installation, plan, store, head, how);
    result.notes.insert(result.notes.begin(), notes.begin(), notes.end());
    if (remember) remember_sync(store, *remember_as, head, plan, input.script_interpreter, how);
  } catch (...) {
    Diagnostics unheard;
    if (options.no_store) remove_own_store(environment, unheard);
    throw;
  }
  if (options.no_store) remove_own_store(environment, result.notes);
  report_change(result, opened.path, watch, options);
  return 0;
}

// Takes what is damaged of these wheels out of the store. What other environments have linked stays theirs.
Diagnostics discard_damaged(const Options& options, const std::vector<WheelFacts>& wheels) {
  Diagnostics notes;
  const Store store = Store::open(store_path(options));
  for (const WheelFacts& wheel : wheels) {
    const auto damaged = find_damage(store_tree(wheel, store), wheel);
    if (!damaged || !store.find(wheel.store_id())) continue;
    store.remove(wheel.store_id());
    // With byte-code it shares its files with the wheel without.
    store.remove(wheel.wheel_sha256());
    notes.push_back(
        {Severity::warning, "store-damaged", std::string(wheel.normalized()), std::string(wheel.file_name()),
         "was changed in the store (" + damaged->substr(damaged->rfind('/') + 1) + "), and is unpacked anew",
         "axle check finds environments that share the changed files"});
  }
  return notes;
}

}  // namespace

int change_environment(const Options& options, const Opened& opened, const ReceiptHead& head,
                       const Decide& decide, const Stopwatch& watch,
                       const std::optional<Sha256>& remember_as) {
  if (options.dry_run) return preview_change(options, opened, decide, watch);
  std::vector<WheelFacts> wheels;
  Diagnostics notes;
  try {
    return change_once(options, opened, head, decide, watch, wheels, {}, remember_as);
  } catch (const Error& error) {
    // Nothing is laid. When a file of the store was found changed, the wheel is taken from its archive once
    // more; anything else that is wrong stays wrong.
    if (error.code() != ErrorCode::integrity || options.no_store) throw;
    notes = discard_damaged(options, wheels);
    if (notes.empty()) throw;
  }
  wheels.clear();
  try {
    return change_once(options, opened, head, decide, watch, wheels, notes, std::nullopt);
  } catch (const Error&) {
    if (!options.json) print_diagnostics(notes, options);  // why a wheel is wanted that was there
    throw;
  }
}

}  // namespace axle::cli
