// axle fetch LOCK...: fills the store only.

#include "axle/base/error.h"
#include "cli/acquire.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/report.h"

namespace axle::cli {

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
  Diagnostics notes = chosen.notes;
  const std::vector<PlanWheel> wheels = acquire(options, chosen, request, store, notes);
  if (options.json) {
    Json list = Json::array();
    for (const PlanWheel& wheel : wheels) {
      list.push_back({{"name", wheel.facts.normalized()},
                      {"version", wheel.facts.version()},
                      {"file", wheel.facts.file_name()},
                      {"sha256", wheel.facts.wheel_sha256().hex()},
                      {"tree", store.path() + "/" + Store::tree_path(wheel.facts.wheel_sha256())}});
    }
    print_json({{"store", store.path()},
                {"wheels", std::move(list)},
                {"warnings", to_json(notes)},
                {"seconds", watch.seconds()}});
    return 0;
  }
  print_diagnostics(notes, options);
  print_text(std::to_string(wheels.size()) + " wheels in " + store.path() + "\n", options);
  return 0;
}

}  // namespace axle::cli
