#pragma once
// From locks to wheels in the store: read, select, find or fetch each archive, verify.

#include <map>
#include <string>
#include <vector>

#include "axle/base/diagnostic.h"
#include "axle/lock/lock.h"
#include "axle/plan/plan.h"
#include "axle/plan/select.h"
#include "axle/store/store.h"
#include "cli/options.h"
#include "exec/receipt.h"

namespace axle::cli {

// The locks that a command names, and every file that had a say in them.
struct Locks {
  std::vector<Lock> locks;
  std::vector<ReceiptInput> inputs;  // absolute paths; absent files have a digest of zeros
};
// `paths`: lock files; "-" is standard input. `requirements`: lines as in a requirements file, of the command
// line.
Locks read_locks(const Options& options, const std::vector<std::string>& paths,
                 const std::vector<std::string>& requirements);

// What all of them select, sorted by name. Throws Error(no_match) and others; a package that two locks pin to
// different versions is Error(bad_input).
struct Chosen {
  std::vector<Pin> pins;
  std::vector<LocalProject> local_projects;
  Diagnostics notes;
  SourceOptions sources;  // of all locks together
};
Chosen select_all(const Locks& locks, const SelectionRequest& request);

// Where --find-links and the lock's own say that wheels are.
std::vector<Candidate> find_link_candidates(const Options& options, const SourceOptions& of_lock);

// The facts of every pin's wheel, verified and unpacked in the store, in the order of the pins.
std::vector<PlanWheel> acquire(const Options& options, const Chosen& chosen, const SelectionRequest& request,
                               Store& store, Diagnostics& notes);

// The same for whoever reads the wheels themselves: an archive that is at hand is preferred to the store's
// unpacked files; what must be downloaded is kept in the store as it is. In the order of the pins; a source
// without a path is in the store.
std::vector<WheelSource> acquire_archives(const Options& options, const Chosen& chosen,
                                          const SelectionRequest& request, Store& store, Diagnostics& notes);
// The pins' wheels for a plan. Throws Error(no_match) for one that is for another Python.
std::vector<PlanWheel> plan_wheels(const Chosen& chosen, const std::vector<WheelFacts>& facts,
                                   const SelectionRequest& request);

// The store that the options mean; with --no-store one that lives in `own_directory` until the object is
// gone.
Store open_store(const Options& options);

}  // namespace axle::cli
