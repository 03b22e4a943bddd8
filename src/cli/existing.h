#pragma once
// Opening what is installed somewhere, to look at it: by axle or by anybody else, with an interpreter or
// without.

#include <optional>

#include "axle/env/interpreter.h"
#include "axle/env/layout.h"
#include "axle/store/store.h"
#include "base/fd.h"
#include "cli/context.h"
#include "cli/options.h"
#include "exec/state.h"

namespace axle::cli {

struct Existing {
  Place place;
  Interpreter interpreter;
  Layout layout;
  std::string path;  // the layout's root on this machine
  Fd root;
  Installation installation;
};

// Recovers what a killed command left, and makes nothing: no .axle, no store. Where an environment's
// interpreter is gone, a description of it is made from pyvenv.cfg. Throws Error(io) for a place that holds
// no environment.
Existing open_existing(const Options& options);

// The store when there is one; none is made. A store that cannot be opened makes the environment tell for
// itself.
std::optional<Store> find_store(const Options& options);

}  // namespace axle::cli
