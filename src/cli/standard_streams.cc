#include "cli/standard_streams.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <string>
#include <string_view>

#include "axle/base/error.h"
#include "cli/report.h"

namespace axle::cli {
namespace {

// Whoever reads no further, like `head`, wants no more.
bool nobody_reads() {
  pollfd output{STDOUT_FILENO, 0, 0};
  return poll(&output, 1, 0) == 1 && (output.revents & POLLERR) != 0;
}

bool changes_something(const Options& options) {
  constexpr std::array<std::string_view, 10> commands{"sync",  "install", "uninstall", "venv",   "fetch",
                                                      "layer", "bundle",  "rpath",     "action", "worker"};
  return !options.dry_run && std::find(commands.begin(), commands.end(), options.command) != commands.end();
}

}  // namespace

void open_closed_streams() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    // The lowest that is free: those below are open by now.
    if (fcntl(fd, F_GETFD) == -1 && errno == EBADF) static_cast<void>(open("/dev/null", O_RDWR));
  }
}

int finish_output(int status, const Options& options) {
  std::cout.flush();
  errno = 0;
  const bool flushed = std::fflush(stdout) == 0;
  const int why = errno;
  if ((flushed && std::ferror(stdout) == 0 && std::cout) || nobody_reads()) return status;
  std::string what = "standard output could not be written";
  if (why != 0) what += std::string(": ") + std::strerror(why);
  if (changes_something(options)) {
    std::fprintf(stderr, "warning: %s\n", what.c_str());
    return status;
  }
  // On standard error, whatever --json says: standard output is what fails.
  std::fprintf(stderr, "error: %s\n", what.c_str());
  return exit_status(ErrorCode::io, 0);
}

}  // namespace axle::cli
