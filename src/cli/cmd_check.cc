// axle check: an environment against what it says of itself.

#include <algorithm>

#include "axle/base/error.h"
#include "axle/pep/name.h"
#include "cli/commands.h"
#include "cli/existing.h"
#include "cli/report.h"
#include "exec/check.h"

namespace axle::cli {
namespace {

CheckOptions check_options(const Options& options) {
  CheckOptions result;
  result.scope = options.native ? CheckScope::native : CheckScope::all;
  result.depth = options.quick ? CheckDepth::size_and_time : CheckDepth::digest;
  result.jobs = jobs(options);
  if (!options.root.empty()) result.destdir = absolute_path(options.root);
  result.hooks_allowed = options.startup_hooks == "allow";
  for (const std::string& name : options.allow_hooks) result.allowed_hooks.insert(normalize_name(name));
  return result;
}

std::string_view word(Severity severity) { return severity == Severity::error ? "error" : "warning"; }

Json report_to_json(const CheckReport& report, const Existing& existing) {
  Json problems = Json::array();
  for (const Diagnostic& one : report.problems) {
    problems.push_back({{"kind", one.kind},
                        {"severity", word(one.severity)},
                        {"distribution", one.distribution},
                        {"path", one.path},
                        {"message", one.message},
                        {"hint", one.hint}});
  }
  return {{"environment", existing.path},
          {"problems", std::move(problems)},
          {"checked",
           {{"distributions", report.distributions},
            {"files", report.files},
            {"requirements", report.requirements},
            {"scripts", report.scripts},
            {"libraries", report.libraries}}}};
}

std::string counted(std::size_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

std::string report_to_text(const CheckReport& report, const Existing& existing, std::size_t errors) {
  std::string text;
  for (const Diagnostic& one : report.problems) {
    text += std::string(word(one.severity)) + ": " + one.kind + ": ";
    if (!one.distribution.empty()) text += one.distribution + ": ";
    if (!one.path.empty()) text += one.path + ": ";
    text += one.message;
    if (!one.hint.empty()) text += " (" + one.hint + ")";
    text += "\n";
  }
  return text + counted(report.distributions, "distribution") + ", " + counted(report.files, "file") +
         " checked in " + existing.path + ": " +
         (report.problems.empty()
              ? "nothing wrong"
              : counted(errors, "error") + ", " + counted(report.problems.size() - errors, "warning")) +
         "\n";
}

}  // namespace

int run_check(const Options& given) {
  Options options = given;
  if (options.arguments.size() > 1) {
    throw Error(ErrorCode::usage, "check takes one environment", "axle check [--venv DIR]");
  }
  if (!options.arguments.empty()) options.venv = options.arguments.front();
  const Existing existing = open_existing(options);
  const CheckReport report = check_environment(existing.root, existing.layout, existing.interpreter,
                                               existing.installation, check_options(options));
  const auto errors = static_cast<std::size_t>(
      std::count_if(report.problems.begin(), report.problems.end(),
                    [](const Diagnostic& one) { return one.severity == Severity::error; }));
  if (options.json) {
    print_json(report_to_json(report, existing));
  } else {
    print_text(report_to_text(report, existing, errors), options);
  }
  return errors == 0 ? 0 : 1;
}

}  // namespace axle::cli
