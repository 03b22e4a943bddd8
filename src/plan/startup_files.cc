// What runs at every start of the interpreter: code lines of .pth files, .start files, sitecustomize,
// usercustomize. spec: CPython Lib/site.py; PEP 829.

#include <algorithm>
#include <set>

#include "axle/wheel/pth.h"
#include "plan/passes.h"
#include "plan/startup_code.h"

namespace axle {
namespace {

bool is_module(std::string_view name) { return !name.ends_with(".pth") && !name.ends_with(".start"); }

std::string stem_of(std::string_view name) { return std::string(name.substr(0, name.rfind('.'))); }

// The stems of all .start files that will lie in the site directory.
std::set<std::string> start_stems(const Plan& plan) {
  std::set<std::string> stems;
  for (const Dist& dist : plan.dists) {
    for (std::size_t i = 0; i < dist.facts.startup_count(); ++i) {
      const std::string_view name = dist.facts.name(dist.facts.file(dist.facts.startup(i).file));
      if (name.ends_with(".start")) stems.insert(stem_of(name));
    }
  }
  return stems;
}

bool says_something(std::string_view name, std::string_view text) {
  if (name.ends_with(".start")) return true;
  const std::vector<PthLine> lines = classify_pth(text);
  return std::any_of(lines.begin(), lines.end(), [](const PthLine& line) {
    return line.kind == PthLine::Kind::path || line.kind == PthLine::Kind::code;
  });
}

std::string warning_text(const StartupHook& hook, PythonMinor python) {
  std::string text = "runs code at every start of Python";
  if (hook.path.name().ends_with(".start") && python.major != 0 && python < PythonMinor{3, 15})
    text = "runs code at every start of Python 3.15 or newer";
  return text + (hook.known_as.empty() ? std::string() : " (" + hook.known_as + ")");
}

}  // namespace

void resolve_startup_files(Draft& draft) {
  const PlanInput& input = draft.input;
  Plan& plan = draft.plan;
  const PythonMinor python = python_minor(input.interpreter.version);
  const std::set<std::string> stems = start_stems(plan);
  for (const Dist& dist : plan.dists) {
    for (std::size_t i = 0; i < dist.facts.startup_count(); ++i) {
      const StartupFile startup = dist.facts.startup(i);
      const FileFact& file = dist.facts.file(startup.file);
      const std::string_view name = dist.facts.name(file);
      const bool on_platlib = dist.facts.scheme_of(file) == Scheme::platlib;
      const RelPath path = RelPath::parse(join_path(on_platlib ? input.layout.platlib : input.layout.purelib,
                                                    dist.facts.path_of(startup.file)));
      // A target directory can be on the path, and then its modules count; it is no site directory.
      if (input.layout.kind == LayoutKind::target && !is_module(name)) {
        if (dist.recorded && says_something(name, startup.text)) {
          plan.notes.push_back(
              {Severity::warning, "startup-not-run", dist.name, path.str(),
               "will not be read: Python does so in site directories only, and a --target is none",
               "install into an environment, or add the paths that it names to PYTHONPATH"});
        }
        // Whoever denies hooks means the wheel: such trees are copied into site directories, and made ones by
        // site.addsitedir.
        if (input.policy.hooks != HookPolicy::deny) continue;
      }
      StartupRules rules{python, {}};
      if (stems.contains(stem_of(name))) rules.stem = StartupRules::Stem::with_start;
      StartupHook hook{
          dist.name,
          path,
          startup_code(name, startup.text, rules),
          {},
          input.policy.hooks == HookPolicy::allow || input.policy.allowed_hooks.contains(dist.name)};
      if (hook.code.empty()) continue;  // only paths
      if (!startup.truncated) hook.known_as = known_startup_code(hook.code);
      if (!hook.allowed && input.policy.hooks == HookPolicy::warn) {
        plan.notes.push_back({Severity::warning, "startup-hook", dist.name, hook.path.str(),
                              warning_text(hook, python), "--allow-hook " + dist.name + " accepts it"});
      }
      plan.hooks.push_back(std::move(hook));
    }
  }
  std::sort(plan.hooks.begin(), plan.hooks.end(),
            [](const StartupHook& a, const StartupHook& b) { return a.path < b.path; });
}

}  // namespace axle
