// What runs at every start of the interpreter: code lines of .pth files, .start files, sitecustomize,
// usercustomize. spec: CPython Lib/site.py; PEP 829.

#include <algorithm>

#include "axle/wheel/pth.h"
#include "plan/passes.h"
#include "plan/startup_code.h"

namespace axle {

std::string known_startup_code(std::string_view line) {
  struct Known {
    std::string_view has;
    std::string_view what;
  };
  static constexpr Known table[] = {
      {"_distutils_hack", "setuptools' distutils shim"},
      {"coverage.process_startup", "coverage's subprocess measurement"},
      {"pytest_cov.embed", "pytest-cov's subprocess measurement"},
      {"__editable__", "an editable install's finder"},
      {"importlib.util.module_from_spec(importlib.machinery.PathFinder.find_spec",
       "a legacy namespace package"},
      {"import _virtualenv", "virtualenv's own patch"},
      {"imp.new_module(", "a legacy namespace package"},
      {"types.ModuleType(", "a legacy namespace package"},
  };
  for (const Known& known : table) {
    if (line.find(known.has) != std::string_view::npos) return std::string(known.what);
  }
  return {};
}

std::vector<std::string> startup_code(std::string_view name, std::string_view text) {
  if (name.ends_with(".py")) return {"the whole module"};
  std::vector<std::string> code;
  for (const PthLine& line : name.ends_with(".start") ? classify_start(text) : classify_pth(text)) {
    if (line.kind == PthLine::Kind::code) code.push_back(line.text);
  }
  return code;
}

void resolve_startup_files(Draft& draft) {
  const PlanInput& input = draft.input;
  for (const Dist& dist : draft.plan.dists) {
    for (std::size_t i = 0; i < dist.facts.startup_count(); ++i) {
      const StartupFile startup = dist.facts.startup(i);
      const FileFact& file = dist.facts.file(startup.file);
      const std::string_view name = dist.facts.name(file);
      StartupHook hook{
          dist.name,
          RelPath::parse(join_path(input.layout.purelib, dist.facts.path_of(startup.file))),
          startup_code(name, startup.text),
          {},
          input.policy.hooks == HookPolicy::allow || input.policy.allowed_hooks.contains(dist.name)};
      if (hook.code.empty()) continue;  // only paths
      hook.known_as = known_startup_code(hook.code.front());
      if (input.layout.kind == LayoutKind::target) {
        draft.plan.notes.push_back({Severity::note, "startup-not-run", dist.name, hook.path.str(),
                                    "will not run: this tree is no site directory", ""});
      } else if (!hook.allowed && input.policy.hooks == HookPolicy::warn) {
        draft.plan.notes.push_back({Severity::warning, "startup-hook", dist.name, hook.path.str(),
                                    "runs code at every start of Python" +
                                        (hook.known_as.empty() ? std::string() : " (" + hook.known_as + ")"),
                                    "--allow-hook " + dist.name + " accepts it"});
      }
      draft.plan.hooks.push_back(std::move(hook));
    }
  }
  std::sort(draft.plan.hooks.begin(), draft.plan.hooks.end(),
            [](const StartupHook& a, const StartupHook& b) { return a.path < b.path; });
}

}  // namespace axle
