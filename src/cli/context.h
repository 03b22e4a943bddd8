#pragma once
// From options to what commands work with: where the environment is, for which interpreter, by which policy,
// with which store.

#include <optional>
#include <string>

#include "axle/env/interpreter.h"
#include "axle/env/layout.h"
#include "axle/exec/apply.h"
#include "axle/plan/policy.h"
#include "axle/plan/select.h"
#include "axle/store/fetch.h"
#include "axle/store/store.h"
#include "cli/options.h"
#include "exec/environment.h"

namespace axle::cli {

// Where something is to be installed.
struct Place {
  LayoutKind kind = LayoutKind::venv;
  std::string logical;   // absolute path, as programs in the environment will see it
  std::string physical;  // the same on this machine: --root before it
};

std::string absolute_path(const std::string& path);
Place find_place(const Options& options);
// True when a virtual environment is there (it has a pyvenv.cfg).
bool is_environment(const Place& place);

// The interpreter that the options mean: of another target, as named, the environment's own, or python3.
Interpreter find_interpreter_for(const Options& options, const Place& place);
Layout make_layout(const Options& options, const Place& place, const Interpreter& interpreter);
// What scripts start: the environment's interpreter, or the interpreter itself outside of environments.
std::string script_interpreter(const Place& place, const Interpreter& interpreter, const Layout& layout);
// Throws Error(usage) for policies that make no sense.
Policy make_policy(const Options& options);
VerifyLevel verify_level(const Options& options);
unsigned jobs(const Options& options);
std::optional<std::int64_t> source_date_epoch(const Options& options);

std::string store_path(const Options& options);
EnvironmentOptions environment_options(const Options& options, const Place& place);
ApplyOptions apply_options(const Options& options);
FetchOptions fetch_options(const Options& options);
// The indexes to ask, in their order; empty with --no-index.
std::vector<std::string> index_urls(const Options& options, const SourceOptions& of_lock);
SelectionRequest selection_request(const Options& options, const Interpreter& interpreter);

}  // namespace axle::cli
