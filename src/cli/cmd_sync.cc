// axle sync LOCK: the environment becomes exactly what the lock says.

#include <fcntl.h>

#include <set>

#include "axle/base/error.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/acquire.h"
#include "cli/commands.h"
#include "cli/environment_commands.h"
#include "cli/request.h"
#include "exec/own_files.h"

namespace axle::cli {
namespace {

// Kept when the lock lacks them: the tools with which people look after environments.
const std::set<std::string> seeds{"pip", "setuptools", "wheel"};

// What is there, when it already is what is asked for: found by the receipt alone.
std::optional<std::uint64_t> find_unchanged(const Options& options, const Place& place, const Sha256& request) {
  if (options.dry_run || options.repair || options.reinstall || options.no_store) return std::nullopt;
  const auto root = try_open_dir(AT_FDCWD, place.physical);
  if (!root || needs_recovery(*root)) return std::nullopt;
  std::optional<ReceiptHead> head;
  try {
    head = read_receipt_head(*root);
  } catch (const Error&) {
    return std::nullopt;  // the full way says what is wrong with it
  }
  if (!head || head->request != request || head->inputs.empty()) return std::nullopt;
  for (const ReceiptInput& input : head->inputs) {
    const auto text = try_read_file(AT_FDCWD, input.path);
    if ((text ? Sha256::of(*text) : Sha256{}) != input.sha256) return std::nullopt;
  }
  if (!still_holds(*root, head->places)) return std::nullopt;
  return head->distributions;
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
  const Locks locks = read_locks(options, paths, {});
  head.inputs = locks.inputs;
  const SelectionRequest request = selection_request(options, opened.interpreter);
  const Chosen chosen = select_all(locks, request);
  const Decide decide = [&](const Installation& installed, Store& store, Diagnostics& notes) {
    notes.insert(notes.end(), chosen.notes.begin(), chosen.notes.end());
    std::vector<PlanWheel> wheels = acquire(options, chosen, request, store, notes);
    std::set<std::string> names;
    for (const PlanWheel& wheel : wheels) names.emplace(wheel.facts.normalized());
    if (names.empty() && !installed.state.dists.empty() && !options.allow_empty) {
      throw Error(ErrorCode::usage, "the lock selects nothing, and the environment is not empty",
                  "--allow-empty removes everything from it");
    }
    for (const LaidDist& dist : installed.state.dists) {
      if (!options.exact && seeds.contains(dist.name) && !names.contains(dist.name)) wheels.push_back(keep(dist));
    }
    return wheels;
  };
  return change_environment(options, opened, head, decide, watch);
}

}  // namespace axle::cli
