#include "cli/remembered_sync.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <iterator>
#include <system_error>
#include <thread>

#include "axle/base/error.h"
#include "base/file.h"
#include "base/parallel.h"
#include "cli/context.h"
#include "cli/existing.h"
#include "cli/request.h"
#include "cli/without_links.h"
#include "env/paths.h"
#include "exec/dist_tree.h"
#include "exec/environment.h"
#include "exec/remembered_plan.h"

namespace axle::cli {
namespace {

// A lock that names no files takes the best of those in the directories, which have another time when that
// may be another one. nullopt when only looking into a place tells what is there.
std::optional<std::string> describe_links(const Options& options) {
  std::string text = options.no_index ? "no index\n" : "";
  for (const std::string& place : options.find_links) {
    const auto status = try_stat(AT_FDCWD, place);
    if (!status || !S_ISDIR(status->st_mode)) return std::nullopt;
    const std::string path = absolute_path(place);
    text += std::to_string(path.size()) + ":" + path + " " + std::to_string(status->st_ino) + " " +
            std::to_string(mtime_ns(*status)) + "\n";
  }
  return text;
}

// The environment's own files, when they are made, with what distributions own.
Plan assemble(const PlanInput& input, RememberedParts& parts) {
  Plan plan = make_plan(input);
  plan.dists = std::move(parts.dists);
  // A directory of which there is more to say than that it exists.
  std::erase_if(plan.entries, [&](const Entry& entry) {
    if (!std::holds_alternative<Directory>(entry.content)) return false;
    const auto next = std::lower_bound(parts.entries.begin(), parts.entries.end(), entry.path,
                                       [](const Entry& a, const RelPath& b) { return a.path < b; });
    return next != parts.entries.end() && next->path.is_within(entry.path);
  });
  std::vector<Entry> own = std::exchange(plan.entries, {});
  plan.entries.reserve(own.size() + parts.entries.size());
  std::merge(std::make_move_iterator(own.begin()), std::make_move_iterator(own.end()),
             std::make_move_iterator(parts.entries.begin()), std::make_move_iterator(parts.entries.end()),
             std::back_inserter(plan.entries),
             [](const Entry& a, const Entry& b) { return a.path < b.path; });
  check_plan(plan);
  return plan;
}

bool try_remembered(const Options& options, const Opened& opened, ReceiptHead head, const Sha256& key,
                    const Stopwatch& watch) {
  const std::optional<Store> found = find_store(options);
  if (!found) return false;
  const Store& store = *found;
  const auto remembered = RememberedPlan::find(store.root(), key);
  if (!remembered) return false;
  // The store's files are looked at while everything else is made ready.
  bool is_unpacked = false;
  grow_descriptor_table();
  const auto look = [&] {
    try {
      is_unpacked = remembered->is_unpacked(store.root());
    } catch (const Error&) {
      is_unpacked = false;
    }
  };
  std::jthread looking;
  try {
    looking = std::jthread(look);
    move_elsewhere(looking.native_handle());
  } catch (const std::system_error&) {
    look();  // none may be started
  }
  auto parts = remembered->parts(script_interpreter(opened.place, opened.interpreter, opened.layout));
  if (!parts || !are_unchanged(parts->inputs)) return false;
  head.inputs = parts->inputs;

  // The full way waits: for an environment first, and then for the store, so that nobody who waits keeps gc
  // from its work.
  EnvironmentOptions access = environment_options(options, opened.place);
  access.wait = LockWait::fail;
  Environment environment = Environment::open(opened.path, access);
  Installation installation;
  if (!environment.is_new()) installation = read_installation(environment.root(), opened.layout, &store);
  Diagnostics notes;
  PlanInput input = plan_input_for(options, opened, installation, {}, store, notes);
  input.policy.names = folds_case(environment.location()) ? Names::folded : Names::exact;
  do_without_links(environment.root(), input, notes);
  if (!is_remembered(installation, input) || !notes.empty()) return false;
  const Plan plan = assemble(input, *parts);
  ApplyOptions how = apply_options(options);
  how.last_look = [&] {
    if (looking.joinable()) looking.join();
    if (!is_unpacked) store_is_damaged(store.path());
  };
  ApplyResult result = apply(environment, installation, plan, store, head, how);
  result.notes.insert(result.notes.begin(), parts->notes.begin(), parts->notes.end());
  remembered->renew_use(store, plan.dists);
  report_change(result, opened.path, watch, options);
  return true;
}

}  // namespace

std::optional<Sha256> memory_key(const Options& options, const Opened& opened, const Sha256& request,
                                 const std::vector<std::string>& locks) {
  const bool lays_anew = options.repair || options.reinstall || options.force;
  const bool reads_more = options.editable_local || std::find(locks.begin(), locks.end(), "-") != locks.end();
  if (options.link_mode != to_string(LinkMode::symlink) || options.dry_run || options.no_store || lays_anew ||
      reads_more || !options.root.empty() || opened.place.kind != LayoutKind::venv) {
    return std::nullopt;
  }
  const std::optional<std::string> links = describe_links(options);
  if (!links) return std::nullopt;
  const Interpreter& python = opened.interpreter;
  std::string text = request.hex() + (opened.makes_skeleton ? " new" : " there") +
                     (python.free_threaded ? " free" : "") + (python.debug ? " debug" : "") +
                     (python.foreign ? " foreign" : "") + " " + std::string(to_string(python.os)) + " " +
                     std::string(to_string(python.libc)) + "\n" + *links;
  for (const auto* value : {&python.base_executable, &python.version, &python.implementation,
                            &python.implementation_version, &python.abi, &python.abi_flags, &python.arch,
                            &python.platform, &python.platlibdir, &python.ext_suffix, &python.cache_tag}) {
    text += std::to_string(value->size()) + ":" + *value + "\n";
  }
  const Layout& layout = opened.layout;
  for (const auto* dir : {&layout.purelib, &layout.platlib, &layout.scripts, &layout.data, &layout.headers})
    text += (*dir ? (*dir)->str() : std::string()) + "\n";
  return Sha256::of(text);
}

bool is_remembered(const Installation& installation, const PlanInput& input) {
  const Policy& policy = input.policy;
  return installation.state.dists.empty() && installation.notes.empty() &&
         policy.link_mode == LinkMode::symlink && policy.on_conflict == ConflictPolicy::error &&
         policy.conflict_rules.empty() && policy.rpath != RpathPolicy::fix &&
         policy.relocatable == Relocatable::no && policy.names == Names::exact &&
         policy.launcher == LauncherPolicy();
}

bool sync_remembered(const Options& options, const Opened& opened, const ReceiptHead& head, const Sha256& key,
                     const Stopwatch& watch) {
  try {
    return try_remembered(options, opened, head, key, watch);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::interrupted) throw;
    return false;
  }
}

}  // namespace axle::cli
