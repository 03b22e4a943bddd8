// axle bundle LOCK --with-python DIR: a program that runs where nothing is installed.

#include <fcntl.h>

#include <algorithm>

#include "axle/base/error.h"
#include "axle/lock/program_settings.h"
#include "axle/object/object_facts.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/acquire.h"
#include "cli/bundle_output.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/report.h"
#include "exec/bundle.h"
#include "plan/launcher_scripts.h"

namespace axle::cli {
namespace {

// Where the bundle is, as far as its plan needs a place: nothing in it holds this path.
constexpr const char* root = "/bundle";

void check_options(const Options& options, const std::vector<std::string>& locks) {
  if (locks.empty()) {
    throw Error(ErrorCode::usage, "bundle needs a lock", "axle bundle LOCK --with-python DIR -o DIR");
  }
  if (options.with_python.empty()) {
    throw Error(ErrorCode::usage, "bundle needs an interpreter to take along",
                "--with-python DIR: the prefix of a standalone Python or of a pyenv version");
  }
  if (options.output.empty() == options.one_file.empty()) {
    throw Error(ErrorCode::usage, "bundle writes to one place",
                "-o DIR, -o FILE.tar[.gz|.zst] or --one-file FILE");
  }
  if (!options.entry.empty() && !options.module.empty()) {
    throw Error(ErrorCode::usage, "--entry and --module exclude one another", "give one of them");
  }
  if (!options.one_file.empty() && options.entry.empty() && options.module.empty()) {
    throw Error(ErrorCode::usage, "a one-file program must know what to start", "--entry NAME or --module M");
  }
  if (options.system_libc && !options.with_libs) {
    throw Error(ErrorCode::usage, "--system-libc says how --with-libs is meant", "give --with-libs too");
  }
  if (options.platform.starts_with("win") || options.platform.starts_with("macosx")) {
    throw Error(ErrorCode::unsupported, "bundles are made for Linux only, not for " + options.platform,
                "for other systems axle sync --platform makes an environment, which needs a Python there");
  }
  if (!options.platform.empty() || !options.python_version.empty()) {
    throw Error(ErrorCode::usage, "a bundle is for the platform and version of its interpreter",
                "leave out --platform and --python-version");
  }
}

[[noreturn]] void refuse_system(const Options& options) {
  throw Error(ErrorCode::unsupported, axle::Place{options.with_python}, "is no Python for Linux",
              "bundles are made for Linux only");
}

// A tree for another system cannot be asked what it is.
void check_system(const Options& options, const std::string& tree) {
  if (try_stat(AT_FDCWD, tree + "/python.exe")) refuse_system(options);
  const auto program = MappedFile::try_open(AT_FDCWD, tree + "/bin/python3");
  if (!program || program->bytes().starts_with("\x7f\x45LF")) return;
  if (looks_like_object(program->bytes().substr(0, 64))) refuse_system(options);
}

Interpreter find_tree(const Options& options) {
  Options for_tree = options;
  for_tree.python = absolute_path(options.with_python);
  check_system(options, for_tree.python);
  Interpreter interpreter = find_interpreter_for(for_tree, find_place(options));
  if (interpreter.os != Os::linux) refuse_system(options);
  return interpreter;
}

LauncherPolicy launcher_policy(const ProgramSettings& settings, TakeLibraries take) {
  LauncherPolicy policy;
  // The target's loader finds out by /proc where a program is, to which its rpaths are relative; without
  // /proc it believes this. The bundle's own loader is told the program's path.
  if (take != TakeLibraries::all) {
    policy.environment.push_back({EnvironmentChange::Kind::set, "LD_ORIGIN_PATH", "$ORIGIN"});
  }
  policy.kind = LauncherKind::native;
  policy.flags = settings.flags;
  for (const ProgramSettings::Variable& variable : settings.environment) {
    EnvironmentChange change{EnvironmentChange::Kind::set, variable.name, variable.value};
    if (variable.kind == ProgramSettings::Variable::Kind::set_default) {
      change.kind = EnvironmentChange::Kind::set_default;
    } else if (variable.kind == ProgramSettings::Variable::Kind::unset) {
      change.kind = EnvironmentChange::Kind::unset;
    }
    policy.environment.push_back(std::move(change));
  }
  return policy;
}

// The object that a script of that name calls. A name that nobody has is an error that lists those there are.
ObjectReference find_entry(const Plan& plan, const std::string& name) {
  std::string names;
  for (const Dist& dist : plan.dists) {
    for (const EntryPoint& point : dist.facts.entry_points()) {
      if (!is_script_group(point.group)) continue;
      if (point.name == name) return parse_object_reference(point.value);
      names += (names.empty() ? "" : ", ") + point.name;
    }
  }
  throw Error(ErrorCode::no_match, "no distribution has a script called " + axle::quoted(name),
              names.empty() ? "name a module with --module" : "there are " + names);
}

// What goes to bin beside the launchers of the plan.
void choose_start(const Options& options, const ProgramSettings& settings, const Plan& plan,
                  BundleRequest& request) {
  if (options.entry.empty() && options.module.empty()) return;
  LauncherConfig config = interpreter_launcher(request.interpreter);
  for (const std::string& flag : settings.flags) config.arguments.push_back({ArgumentKind::text, flag});
  if (!options.entry.empty()) {
    const ObjectReference call = find_entry(plan, options.entry);
    config.arguments.push_back({ArgumentKind::text, "-c"});
    config.arguments.push_back({ArgumentKind::text, render_entry_point_code({call.module, call.attribute})});
    config.arguments.push_back({ArgumentKind::self, ""});
    request.start = options.entry;
  } else {
    config.arguments.push_back({ArgumentKind::text, "-m"});
    config.arguments.push_back({ArgumentKind::text, options.module});
    request.start = options.module;
  }
  for (const std::string& argument : settings.arguments) {
    config.arguments.push_back({ArgumentKind::text, argument});
  }
  config.environment = plan.policy.launcher.environment;
  if (!RelPath::try_parse(request.start) || request.start.find('/') != std::string::npos) {
    throw Error(ErrorCode::usage, axle::quoted(request.start) + " cannot be the name of a program");
  }
  if (request.start.starts_with("python")) {
    throw Error(ErrorCode::usage, axle::quoted(request.start) + " is a name of the interpreter",
                "it is in bin as it is");
  }
  request.launcher = std::move(config);
}

Plan make_bundle_plan(const Options& options, const BundleRequest& request, const ProgramSettings& settings,
                      std::vector<PlanWheel> wheels) {
  const Interpreter& interpreter = request.interpreter;
  PlanInput input;
  input.interpreter = interpreter;
  input.layout = venv_layout(interpreter, root);
  input.wheels = std::move(wheels);
  Options of_plan = options;
  of_plan.compile = false;  // done by the bundle's own interpreter
  input.policy = make_policy(of_plan);
  input.policy.link_mode = LinkMode::copy;
  input.policy.relocatable = Relocatable::yes;
  input.policy.launcher = launcher_policy(settings, request.take);
  input.script_interpreter = std::string(root) + "/bin/" + program_name(interpreter);
  Plan plan = make_plan(input);
  require_no_conflicts(plan);
  return plan;
}

}  // namespace

int run_bundle(const Options& options) {
  const Stopwatch watch;
  std::vector<std::string> locks = options.arguments;
  locks.insert(locks.end(), options.requirements.begin(), options.requirements.end());
  check_options(options, locks);
  BundleOutput output(options);
  ProgramSettings settings;
  if (!options.settings.empty()) {
    settings = parse_program_settings(read_file(AT_FDCWD, options.settings, 1 << 20), options.settings);
  }
  BundleRequest request;
  request.interpreter = find_tree(options);
  request.extent = options.whole_python ? TreeExtent::whole : TreeExtent::program;
  if (options.with_libs) {
    request.take = options.system_libc ? TakeLibraries::all_but_libc : TakeLibraries::all;
  }

  const Locks read = read_locks(options, locks, {});
  const SelectionRequest selection = selection_request(options, request.interpreter);
  const Chosen chosen = select_all(read, selection);
  Store store = open_store(options);
  Diagnostics notes = chosen.notes;
  const Plan plan =
      make_bundle_plan(options, request, settings, acquire(options, chosen, selection, store, notes));
  notes.insert(notes.end(), plan.notes.begin(), plan.notes.end());
  choose_start(options, settings, plan, request);

  Bundle bundle = make_bundle(request, plan, store);
  if (options.dry_run) {
    output.preview(plan, bundle, notes);
    return 0;
  }
  output.write(request, plan, bundle, notes);
  output.report(request, plan, bundle, notes, watch);
  return 0;
}

}  // namespace axle::cli
