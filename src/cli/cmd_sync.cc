// axle sync LOCK: the environment becomes exactly what the lock says.

#include <fcntl.h>

#include <algorithm>

#include "axle/base/error.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/acquire.h"
#include "cli/commands.h"
#include "cli/editable.h"
#include "cli/environment_commands.h"
#include "cli/memory.h"
#include "cli/remembered_sync.h"
#include "cli/request.h"
#include "cli/sync_wheels.h"
#include "exec/own_files.h"

namespace axle::cli {
namespace {

// What is there, when it already is what is asked for: found by the receipt alone.
std::optional<std::uint64_t> find_unchanged(const Options& options, const Place& place,
                                            const Sha256& request) {
  if (options.dry_run || options.repair || options.reinstall || options.no_store || options.durable)
    return std::nullopt;
  const auto root = try_open_dir(AT_FDCWD, place.physical);
  if (!root || needs_recovery(*root)) return std::nullopt;
  std::optional<ReceiptHead> head;
  try {
    head = read_receipt_head(*root);
  } catch (const Error&) {
    return std::nullopt;  // the full way says what is wrong with it
  }
  if (!head || head->request != request || head->inputs.empty()) return std::nullopt;
  if (!are_unchanged(head->inputs)) return std::nullopt;
  if (!still_holds(*root, head->places)) return std::nullopt;
  return head->distributions;
}

// Whether the locks, and what the key of a remembered plan stands for, say which archives these are.
bool is_fixed(const Chosen& chosen) {
  return chosen.local_projects.empty() && chosen.sources.find_links.empty() &&
         std::all_of(chosen.pins.begin(), chosen.pins.end(), [](const Pin& pin) {
           return !pin.from_find_links && !(pin.wheel ? pin.wheel->hashes : pin.hashes).empty();
         });
}

}  // namespace

int run_sync(const Options& options) {
  const Stopwatch watch;
  std::vector<std::string> paths = options.arguments;
  paths.insert(paths.end(), options.requirements.begin(), options.requirements.end());
  if (paths.empty()) throw Error(ErrorCode::usage, "sync needs a lock", "axle sync LOCK");

  ReceiptHead head;
  head.request = request_digest(options, paths);
  const Place place = find_place(options);
  if (const auto distributions = find_unchanged(options, place, head.request)) {
    report_no_change(*distributions, place.physical, watch, options);
    return 0;
  }

  const Opened opened = open_place(options);
  const std::optional<Sha256> key = memory_key(options, opened, head.request, paths);
  if (key && sync_remembered(options, opened, head, *key, watch)) return 0;
  const Locks locks = read_locks(options, paths, {});
  // The files alone do not tell whether these locks are as they were.
  const bool names_variables = std::any_of(locks.locks.begin(), locks.locks.end(),
                                           [](const Lock& lock) { return lock.names_variables; });
  if (!names_variables) head.inputs = locks.inputs;
  const SelectionRequest request = selection_request(options, opened.interpreter);
  const Chosen chosen = select_all(locks, request);
  const std::jthread memory = expect_distributions(chosen.pins.size());
  const std::vector<ReceiptInput> local = editable_inputs(options, chosen);
  if (!names_variables) head.inputs.insert(head.inputs.end(), local.begin(), local.end());
  const Decide decide = [&](const Installation& installed, Store& store, Diagnostics& notes) {
    return sync_wheels(options, chosen, request, installed, store, notes);
  };
  const bool may_remember = !names_variables && is_fixed(chosen);
  return change_environment(options, opened, head, decide, watch, may_remember ? key : std::nullopt);
}

}  // namespace axle::cli
