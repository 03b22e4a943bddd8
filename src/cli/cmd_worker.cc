// axle worker: actions as requests of a persistent worker.

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <set>

#include "action/action.h"
#include "action/param_file.h"
#include "action/worker.h"
#include "axle/base/error.h"
#include "base/file.h"
#include "base/parallel.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/report.h"

namespace axle::cli {
namespace {

// Bazel names the inputs of each request; what is not among them is not to be read. A tree is named by its
// files.
void check_declared(const ActionRequest& action, const WorkRequest& work) {
  if (work.inputs.empty()) return;
  const std::set<std::string_view> inputs(work.inputs.begin(), work.inputs.end());
  const auto is_declared = [&](const std::string& path) {
    if (inputs.contains(path)) return true;
    const std::string below = path + "/";
    const auto next = inputs.lower_bound(below);
    return next != inputs.end() && next->starts_with(below);
  };
  const auto check = [&](const std::string& path) {
    if (path.empty() || is_declared(path)) return;
    throw Error(ErrorCode::usage, axle::Place{path}, "is not among the inputs of the request",
                "declare it as an input of the action");
  };
  for (const ActionSource& source : action.sources) {
    check(source.path);
    check(source.facts);
  }
  check(action.python);
  check(action.compiler);
  for (const std::string& patch : action.patches) check(patch);
}

void append_diagnostics(std::string& output, const Diagnostics& notes) {
  for (const Diagnostic& note : notes) {
    if (note.severity == Severity::note) continue;
    output += "warning: " + (note.path.empty() ? "" : note.path + ": ") + note.message + "\n";
  }
}

std::vector<std::string> arguments_of(const std::vector<std::string>& fixed, const WorkRequest& request,
                                      const ActionContext& context) {
  // Bazel hands over the lines of the parameter file as they are, quotes included.
  std::string lines;
  bool one_line = true;
  for (const std::string& argument : request.arguments) {
    one_line = one_line && argument.find('\n') == std::string::npos;
    lines += argument + "\n";
  }
  std::vector<std::string> arguments = fixed;
  const std::vector<std::string> given =
      one_line ? parse_params(lines, ParamStyle::automatic, "arguments") : request.arguments;
  arguments.insert(arguments.end(), given.begin(), given.end());
  return expand_params(arguments,
                       [&](const std::string& path) { return read_file(AT_FDCWD, reach(context, path)); });
}

WorkOutcome work(const std::vector<std::string>& fixed, unsigned jobs, const WorkRequest& request) {
  WorkOutcome outcome;
  try {
    ActionContext context;
    if (!request.sandbox_dir.empty())
      context.base = request.sandbox_dir + (request.sandbox_dir.ends_with('/') ? "" : "/");
    // Requests with ids are done side by side; one at a time may have all processors.
    context.jobs = request.id == 0 ? jobs : 1;
    const ActionRequest action = parse_request(arguments_of(fixed, request, context));
    check_declared(action, request);
    const ActionResult result = axle::run_action(action, context);
    if (!action.quiet) append_diagnostics(outcome.output, result.notes);
    outcome.output += result.text;
  } catch (const Error& error) {
    outcome.exit_code = exit_status(error.code(), 0);
    outcome.interrupted = error.code() == ErrorCode::interrupted;
    outcome.output += std::string("error: ") + error.what() + "\n";
    if (!error.hint().empty()) outcome.output += "hint: " + error.hint() + "\n";
  } catch (const std::bad_alloc&) {
    outcome.exit_code = exit_status(ErrorCode::io, 0);
    outcome.output += "error: out of memory\n";
  } catch (const std::exception& error) {
    outcome.exit_code = 70;
    outcome.output += std::string("error: internal defect: ") + error.what() + "\n";
  }
  return outcome;
}

}  // namespace

int run_worker(const Options& options) {
  WorkerOptions how;
  how.threads = available_jobs();
  std::vector<std::string> fixed;
  for (std::size_t i = 0; i < options.arguments.size(); ++i) {
    const std::string& argument = options.arguments[i];
    std::string value;
    const bool split = argument == "--worker-protocol" && i + 1 < options.arguments.size();
    if (!split && !argument.starts_with("--worker-protocol=")) {
      fixed.push_back(argument);
      continue;
    }
    value = split ? options.arguments[++i] : argument.substr(argument.find('=') + 1);
    if (value != "json" && value != "proto") {
      throw Error(ErrorCode::usage, "--worker-protocol " + axle::quoted(value) + " is unknown",
                  "json or proto");
    }
    how.form = value == "json" ? WorkForm::json : WorkForm::protobuf;
  }
  // Modes of what is made are exact whatever the umask; set once, because it is the whole process's.
  umask(0);
  const unsigned jobs = how.threads;
  axle::run_worker(how, [&](const WorkRequest& request) { return work(fixed, jobs, request); });
  return 0;
}

}  // namespace axle::cli
