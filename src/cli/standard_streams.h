#pragma once
// Standard input, output and error as a caller may leave them: closed, or on a full disk.

#include "cli/options.h"

namespace axle::cli {

// Opens those that are closed to nothing. A descriptor that is free is given to the next file that is opened,
// and what is printed would be written into an environment or the store.
void open_closed_streams();

// Flushes what was printed. `status`, or that of Error(io) when output is lost and the command was there to
// print it; a command that has changed something is done all the same, and warns.
int finish_output(int status, const Options& options);

}  // namespace axle::cli
