// The program: signals, the command, errors. Everything else is a command's.

#include <signal.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <new>
#include <string_view>

#include "axle/base/error.h"
#include "base/interrupt.h"
#include "cli/commands.h"
#include "cli/memory.h"
#include "cli/options.h"
#include "cli/report.h"
#include "cli/standard_streams.h"

extern char** environ;

namespace {

void on_signal(int signal) { axle::request_interrupt(signal); }

void catch_signals() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  action.sa_flags = static_cast<int>(SA_RESETHAND);  // the second one ends the program at once
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);  // a limit of file sizes is an error like a full disk
}

}  // namespace

int main(int argc, char** argv) {
  using namespace axle::cli;
  Parsed parsed;
  try {
    open_closed_streams();
    keep_memory();
    catch_signals();
    // Nothing here knows local time; without a zone in the environment the C library looks for one per zip
    // entry.
    setenv("TZ", "UTC0", 1);
    // An error of the command line itself is reported as it asks, too.
    for (int i = 1; i < argc; ++i) parsed.options.json |= std::string_view(argv[i]) == "--json";
    parsed = parse_command_line(argc, argv, environ);
    if (parsed.early_output) {
      std::fputs(parsed.early_output->c_str(), stdout);
      return finish_output(0, parsed.options);
    }
    return finish_output(find_command(parsed.options.command)->run(parsed.options), parsed.options);
  } catch (const axle::Error& error) {
    print_error(error, parsed.options);
    return exit_status(error.code(), axle::interrupt_signal());
  } catch (const std::bad_alloc&) {
    const axle::Error error(axle::ErrorCode::io, "out of memory");
    print_error(error, parsed.options);
    return exit_status(error.code(), 0);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error: internal defect: %s\n", error.what());
    return 70;
  }
}
