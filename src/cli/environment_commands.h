#pragma once
// What sync, install and uninstall share: the wheels that shall be there become the environment.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "axle/plan/plan.h"
#include "axle/store/store.h"
#include "cli/context.h"
#include "cli/options.h"
#include "cli/report.h"
#include "exec/receipt.h"
#include "exec/state.h"

namespace axle::cli {

// Where to install, for which interpreter, in which layout.
struct Opened {
  Place place;
  Interpreter interpreter;
  Layout layout;
  std::string path;  // the layout's root on this machine
  bool makes_skeleton =
      false;  // the environment's own files are to be made: it is a venv, and nothing is there
};
Opened open_place(const Options& options);

PlanInput make_plan_input(const Options& options, const Opened& opened, std::vector<PlanWheel> wheels);

// --compile: gives the wheels that axle lays byte-code for this interpreter, from the store or made now.
void compile_wheels(const Options& options, const Interpreter& interpreter, const Store& store,
                    std::vector<PlanWheel>& wheels, Diagnostics& notes);

// The same for what is there already: an environment stays what it is where nobody says otherwise (linked,
// with repaired rpaths, relocatable), and with --compile the wheels get byte-code.
PlanInput plan_input_for(const Options& options, const Opened& opened, const Installation& installation,
                         std::vector<PlanWheel> wheels, const Store& store, Diagnostics& notes);

// The installed distributions as wheels of a plan.
PlanWheel keep(const LaidDist& dist);

// What wheels shall be there, decided when it is known what is there.
using Decide = std::function<std::vector<PlanWheel>(const Installation&, Store&, Diagnostics&)>;

// Opens, recovers, decides, plans, applies (or previews, with --dry-run) and reports. `head` is what a
// repeated command compares. `remember_as`: the key of cli/remembered_sync.h, where the plan may be
// remembered.
int change_environment(const Options& options, const Opened& opened, const ReceiptHead& head,
                       const Decide& decide, const Stopwatch& watch,
                       const std::optional<Sha256>& remember_as = std::nullopt);

}  // namespace axle::cli
