// What goes to bin: the wheels' own scripts, and launchers for entry points.
// spec: "Binary distribution format" (scripts), "Entry points".

#include <set>

#include "axle/base/error.h"
#include "axle/wheel/entry_points.h"
#include "plan/launcher_scripts.h"
#include "plan/passes.h"

namespace axle {
namespace {

ScriptInterpreter script_interpreter(const PlanInput& input) {
  return {input.script_interpreter, input.policy.relocatable == Relocatable::yes, input.layout.os};
}

void add_launchers(Draft& draft, DistId id, const ScriptInterpreter& interpreter,
                   std::set<std::string>& names) {
  const Dist& dist = draft.plan.dists[id];
  if (!dist.recorded) return;  // another tool wrote its launchers; they are files of the distribution
  for (const EntryPoint& point : dist.facts.entry_points()) {
    if (!is_script_group(point.group)) continue;
    const ObjectReference call = parse_object_reference(point.value);
    if (draft.input.layout.os == Os::windows) {
      throw Error(
          ErrorCode::unsupported, Place{std::string(dist.facts.file_name())},
          "entry point " + point.name + " needs a Windows launcher, which this build of axle does not hold",
          "build axle with mingw-w64 installed");
    }
    if (!names.insert(point.name).second) continue;  // in both groups: one launcher serves both
    const std::string path = join_path(draft.input.layout.scripts, point.name);
    draft.tree.add(path,
                   {id, Generated{render_entry_point({call.module, call.attribute}, interpreter)}, true});
  }
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
      claim.content = Rewritten{from, draft.input.script_interpreter};
    }
    draft.tree.add(join_path(draft.input.layout.scripts, name), std::move(claim));
  }
}

}  // namespace

void add_scripts(Draft& draft) {
  const ScriptInterpreter interpreter = script_interpreter(draft.input);
  for (DistId id = 0; id < draft.plan.dists.size(); ++id) {
    std::set<std::string> launchers;
    add_launchers(draft, id, interpreter, launchers);
    add_wheel_scripts(draft, id, launchers);
  }
}

}  // namespace axle
