#pragma once
// What commands print: text or one JSON object on standard output, everything else on standard error.
// Schemas: docs/json.md.

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "axle/base/diagnostic.h"
#include "axle/base/error.h"
#include "axle/exec/apply.h"
#include "cli/options.h"

namespace axle::cli {

using Json = nlohmann::ordered_json;

// The exit status of docs/cli.md. `signal` is what interrupted, or 0.
int exit_status(ErrorCode code, int signal) noexcept;

// "error: ..." and "hint: ...", or the JSON form on standard output.
void print_error(const Error& error, const Options& options);
// Warnings and notes, on standard error; notes only with -v. Nothing with --json: they are part of the
// object.
void print_diagnostics(const Diagnostics& diagnostics, const Options& options);
Json to_json(const Diagnostic& diagnostic);
Json to_json(const Diagnostics& diagnostics);

// One object and a line end.
void print_json(const Json& value);
// Text on standard output unless --quiet.
// "1 wheel", "2 wheels".
std::string counted(std::size_t count, std::string_view what);
void print_text(std::string_view text, const Options& options);

// The closing of sync, install, uninstall and venv.
class Stopwatch {
 public:
  double seconds() const;

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};
void report_change(const ApplyResult& result, const std::string& environment, const Stopwatch& watch,
                   const Options& options);
void report_no_change(std::size_t distributions, const std::string& environment, const Stopwatch& watch,
                      const Options& options);

}  // namespace axle::cli
