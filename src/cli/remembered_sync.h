#pragma once
// A sync into a fresh environment that was done before, elsewhere or here, from the plan that the store
// remembers (exec/remembered_plan.h): no lock is parsed, no facts are read, nothing is decided anew.

#include <optional>
#include <string>
#include <vector>

#include "axle/base/digest.h"
#include "cli/environment_commands.h"
#include "cli/options.h"
#include "cli/report.h"
#include "exec/receipt.h"
#include "exec/state.h"

namespace axle::cli {

// What the plan of this sync is remembered by: all that decides, but for the content of the locks and what is
// in the environment. nullopt for syncs of which nothing is remembered. `request` is request_digest().
std::optional<Sha256> memory_key(const Options& options, const Opened& opened, const Sha256& request,
                                 const std::vector<std::string>& locks);

// Whether an environment is one for which plans are remembered: fresh, so that nothing in it has a say, and
// planned by the options alone.
bool is_remembered(const Installation& installation, const PlanInput& input);

// Does the sync and reports it. False when nothing is remembered that fits, or when anything is not as it was
// expected: then nothing was changed, and the full way says what is wrong. `head` lacks its inputs.
bool sync_remembered(const Options& options, const Opened& opened, const ReceiptHead& head, const Sha256& key,
                     const Stopwatch& watch);

}  // namespace axle::cli
