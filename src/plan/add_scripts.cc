// What goes to bin: the wheels' own scripts, and launchers for entry points.
// spec: "Binary distribution format" (scripts), "Entry points".

#include <map>
#include <set>
#include <string>

#include "axle/base/error.h"
#include "axle/wheel/entry_points.h"
#include "plan/launcher_flags.h"
#include "plan/launcher_scripts.h"
#include "plan/native_launcher.h"
#include "plan/passes.h"
#include "plan/windows_launcher.h"

namespace axle {
namespace {

bool finds_itself(const PlanInput& input) {
  return input.layout.kind == LayoutKind::venv &&
         (input.policy.relocatable == Relocatable::yes || input.policy.launcher.kind == LauncherKind::sh);
}

std::string make_windows_launcher(const PlanInput& input, const EntryPointCall& call, WindowsKind kind) {
  const std::string& python = input.script_interpreter;
  if (!input.policy.launcher.environment.empty()) {
    throw Error(ErrorCode::unsupported, "launchers for Windows cannot change variables",
                "leave out --launcher-env");
  }
  return render_windows_launcher({windows_stub(input.interpreter.arch, kind),
                                  kind == WindowsKind::gui ? with_w(python) : python,
                                  render_entry_point_main(call), input.policy.launcher.flags});
}

std::string make_launcher(const PlanInput& input, const EntryPointCall& call) {
  if (input.policy.launcher.kind == LauncherKind::native) {
    // In an environment the interpreter is beside the launcher, wherever that is moved.
    const std::string_view python = input.script_interpreter;
    const bool beside = input.layout.kind == LayoutKind::venv;
    return render_native_entry_point(input.interpreter.arch,
                                     beside ? python.substr(python.rfind('/') + 1) : python, call,
                                     input.policy.launcher);
  }
  const ScriptInterpreter interpreter{input.script_interpreter, finds_itself(input), input.layout.os};
  return render_entry_point(call, interpreter, join_flags(input.policy.launcher.flags));
}

void add_launchers(Draft& draft, DistId id, std::set<std::string>& names) {
  const Dist& dist = draft.plan.dists[id];
  std::map<std::string, std::string> calls;
  if (!dist.recorded) return;  // another tool wrote its launchers; they are files of the distribution
  for (const EntryPoint& point : dist.facts.entry_points()) {
    if (!is_script_group(point.group)) continue;
    const ObjectReference call = parse_object_reference(point.value);
    const bool windows = draft.input.layout.os == Os::windows;
    const std::string name = windows ? point.name + ".exe" : point.name;
    const EntryPointCall entry{call.module, call.attribute};
    if (!names.insert(name).second) {  // in both groups: one launcher serves both, if they mean the same
      if (calls[name] == call.module + ":" + call.attribute) continue;
      throw Error(
          ErrorCode::bad_input, Place{join_path(draft.input.layout.scripts, name)},
          dist.name + " has a console script and a gui script of this name that call different functions",
          "the wheel contradicts itself: report it to its author");
    }
    calls[name] = call.module + ":" + call.attribute;
    const WindowsKind kind = point.group == "gui_scripts" ? WindowsKind::gui : WindowsKind::console;
    draft.tree.add(join_path(draft.input.layout.scripts, name),
                   {id,
                    Generated{windows ? make_windows_launcher(draft.input, entry, kind)
                                      : make_launcher(draft.input, entry)},
                    true});
  }
}

// What a wheel's own script names. "<launcher_dir>" means something to launchers only; "python" is the active
// environment's to the Python launcher for Windows (py.exe).
std::string interpreter_of_scripts(const PlanInput& input) {
  return input.script_interpreter.starts_with('<') ? "python" : input.script_interpreter;
}

void add_wheel_scripts(Draft& draft, DistId id, const std::set<std::string>& launchers) {
  const Dist& dist = draft.plan.dists[id];
  const auto root = dist.facts.root(Scheme::scripts);
  if (!root) return;
  for (const FileFact& file : dist.facts.files_below(dist.facts.dir(*root))) {
    const std::uint32_t index = dist.facts.index_of(file);
    const std::string name = dist.facts.path_of(index);
    if (launchers.contains(name)) {  // an entry point wins over a script of its exact name
      draft.plan.dists[id].lost_files.push_back(index);
      continue;
    }
    const StoreFile from{id, index};
    Claim claim{id, from, true};
    if (dist.recorded && file.has(file_flag::script_python)) {
      claim.content = Rewritten{from, interpreter_of_scripts(draft.input)};
    }
    draft.tree.add(join_path(draft.input.layout.scripts, name), std::move(claim));
  }
}

}  // namespace

void add_scripts(Draft& draft) {
  const PlanInput& input = draft.input;
  if (input.policy.launcher.kind == LauncherKind::native && input.layout.os != Os::windows) {
    require_native_launcher(input.layout.os, input.interpreter.arch);
  }
  for (DistId id = 0; id < draft.plan.dists.size(); ++id) {
    std::set<std::string> launchers;
    add_launchers(draft, id, launchers);
    add_wheel_scripts(draft, id, launchers);
  }
}

}  // namespace axle
