// axle action @FILE: one action of a build system.

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>

#include "action/action.h"
#include "action/param_file.h"
#include "axle/base/error.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/parallel.h"
#include "cli/action_line.h"
#include "cli/commands.h"
#include "cli/memory.h"
#include "cli/report.h"

namespace axle::cli {

std::optional<ActionLine> find_action(int argc, const char* const* argv) {
  ActionLine line;
  bool worker = false;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--help" || argument == "-h") return std::nullopt;
    if (argument == "--persistent_worker") {
      worker = true;
    } else if (line.command.empty() && (argument.empty() || argument[0] != '-')) {
      if (argument != "action" && argument != "worker") return std::nullopt;
      line.command = argument;
    } else {
      line.arguments.emplace_back(argument);
      if (line.command.empty() && takes_value(argument) && i + 1 < argc)
        line.arguments.emplace_back(argv[++i]);
    }
  }
  if (worker) line.command = "worker";
  if (line.command.empty()) return std::nullopt;
  return line;
}

// Large archives have many files, and what is known of those takes much memory.
static void expect_wheels(const std::vector<std::string>& arguments) {
  constexpr off_t worth_a_large_page = 1 << 20;
  for (const std::string& argument : arguments) {
    if (!argument.ends_with(".whl")) continue;
    const std::string path = argument.substr(argument.starts_with("--") ? argument.find('=') + 1 : 0);
    const auto status = try_stat(AT_FDCWD, path);
    if (status && status->st_size >= worth_a_large_page) return use_large_page();
  }
}

int run_action(const Options& given) {
  Options options = given;
  const auto asks_json = [](const std::vector<std::string>& arguments) {
    return std::find(arguments.begin(), arguments.end(), "--json") != arguments.end();
  };
  options.json = asks_json(given.arguments);
  try {
    const std::vector<std::string> arguments =
        expand_params(options.arguments, [](const std::string& path) { return read_file(AT_FDCWD, path); });
    options.json = asks_json(arguments);
    expect_wheels(arguments);
    const ActionRequest request = parse_request(arguments);
    options.quiet = request.quiet;
    const ActionResult result = axle::run_action(request, {"", available_jobs()});
    print_diagnostics(result.notes, options);
    std::fwrite(result.text.data(), 1, result.text.size(), stdout);
    return 0;
  } catch (const Error& error) {
    print_error(error, options);
    return exit_status(error.code(), interrupt_signal());
  }
}

}  // namespace axle::cli
