// The environment's own files, as entries of the plan.

#include "plan/passes.h"
#include "plan/venv_skeleton.h"
#include "plan/windows_launcher.h"

namespace axle {

void add_venv_skeleton(Draft& draft) {
  const PlanInput& input = draft.input;
  if (!input.venv) return;
  VenvOptions options;
  options.root = input.layout.root;
  options.prompt = input.venv->prompt.value_or("");
  options.explicit_prompt = input.venv->prompt.has_value();
  options.system_site_packages = input.venv->system_site_packages;
  options.relocatable = input.policy.relocatable == Relocatable::yes;
  options.interpreter = input.venv->interpreter;
  options.executable = input.venv->executable;
  if (input.layout.os == Os::windows && options.interpreter == VenvInterpreter::linked) {
    options.windows_python = windows_stub(input.interpreter.arch, WindowsKind::console);
    options.windows_pythonw = windows_stub(input.interpreter.arch, WindowsKind::gui);
  }
  for (const SkeletonEntry& entry : make_venv_skeleton(input.interpreter, options)) {
    Claim claim;
    switch (entry.kind) {
      case SkeletonKind::file:
        claim.content = Generated{entry.content};
        break;
      case SkeletonKind::executable:
        claim.content = Generated{entry.content};
        claim.executable = true;
        break;
      case SkeletonKind::symlink:
        claim.content = Symlink{entry.content};
        break;
      case SkeletonKind::directory:
        claim.content = Directory{};
        break;
    }
    draft.tree.add(entry.path.str(), std::move(claim));
  }
}

}  // namespace axle
