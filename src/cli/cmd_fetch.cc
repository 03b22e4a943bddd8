// axle fetch LOCK...: fills the store only.

#include "axle/base/error.h"
#include "cli/acquire.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/report.h"

namespace axle::cli {
namespace {

// What would be fetched, as far as the lock and the store tell; no index is asked.
int preview_fetch(const Options& options, const Chosen& chosen, const Store& store, const Stopwatch& watch) {
  Json list = Json::array();
  std::string text;
  std::size_t missing = 0;
  for (const Pin& pin : chosen.pins) {
    WheelSource source;
    source.file_name = pin.wheel ? pin.wheel->name : "";
    source.hashes = pin.wheel ? pin.wheel->hashes : pin.hashes;
    bool stored = store.find(source).has_value();
    for (const Hash& hash : source.hashes) {
      if (stored || pin.wheel || hash.algorithm != HashAlgorithm::sha256) continue;
      stored = store.find(*Sha256::from_hex(hash.hex)).has_value();
    }
    if (!stored) {
      text += "+ " + pin.name + " " + pin.version + "\n";
      ++missing;
    }
    list.push_back({{"name", pin.name},
                    {"version", pin.version},
                    {"file", pin.wheel ? Json(pin.wheel->name) : Json(nullptr)},
                    {"stored", stored}});
  }
  if (options.json) {
    print_json({{"store", store_path(options)},
                {"wheels", std::move(list)},
                {"warnings", to_json(chosen.notes)},
                {"seconds", watch.seconds()}});
    return 0;
  }
  print_diagnostics(chosen.notes, options);
  print_text(text + counted(missing, "wheel") + " to fetch, " + std::to_string(chosen.pins.size() - missing) +
                 " in " + store_path(options) + "\n",
             options);
  return 0;
}

}  // namespace

int run_fetch(const Options& options) {
  const Stopwatch watch;
  std::vector<std::string> paths = options.arguments;
  paths.insert(paths.end(), options.requirements.begin(), options.requirements.end());
  if (paths.empty()) throw Error(ErrorCode::usage, "fetch needs a lock", "axle fetch LOCK...");
  const Locks locks = read_locks(options, paths, {});
  const Interpreter interpreter = find_interpreter_for(options, find_place(options));
  const SelectionRequest request = selection_request(options, interpreter);
  const Chosen chosen = select_all(locks, request);
  Store store = open_store(options);
  if (options.dry_run) return preview_fetch(options, chosen, store, watch);
  Diagnostics notes = chosen.notes;
  const std::vector<PlanWheel> wheels = acquire(options, chosen, request, store, notes);
  if (options.json) {
    Json list = Json::array();
    for (const PlanWheel& wheel : wheels) {
      list.push_back({{"name", wheel.facts.normalized()},
                      {"version", wheel.facts.version()},
                      {"file", wheel.facts.file_name()},
                      {"sha256", wheel.facts.wheel_sha256().hex()},
                      {"tree", store.path() + "/" + Store::tree_path(wheel.facts.store_id())}});
    }
    print_json({{"store", store_path(options)},
                {"wheels", std::move(list)},
                {"warnings", to_json(notes)},
                {"seconds", watch.seconds()}});
    return 0;
  }
  print_diagnostics(notes, options);
  print_text(counted(wheels.size(), "wheel") + " in " + store_path(options) + "\n", options);
  return 0;
}

}  // namespace axle::cli
