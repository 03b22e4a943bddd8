#include "cli/acquire.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <thread>

#include "axle/base/error.h"
#include "axle/pep/name.h"
#include "axle/pep/specifier.h"
#include "axle/pep/version.h"
#include "axle/pep/wheel_filename.h"
#include "axle/store/deliver.h"
#include "axle/store/simple_index.h"
#include "base/fd.h"
#include "base/text.h"
#include "cli/context.h"
#include "cli/memory.h"
#include "cli/progress.h"
#include "plan/select_parts.h"

namespace axle::cli {
namespace {

bool is_url(const std::string& text) { return text.find("://") != std::string::npos; }

Candidate to_candidate(const IndexFile& file) {
  return {file.filename,           file.url,       "",        file.hashes, file.size, file.requires_python,
          file.yanked.has_value(), file.checksums, file.fault};
}

// By normalized distribution name, so that a pin looks only at its own.
using Candidates = std::map<std::string, std::vector<Candidate>, std::less<>>;

void add_candidate(Candidates& candidates, Candidate candidate) {
  // The name of a wheel ends at the first '-', that of a source distribution at the last.
  const std::string& file = candidate.file_name;
  const std::size_t dash = file.ends_with(".whl") ? file.find('-') : file.rfind('-');
  if (dash == std::string::npos || dash == 0) return;
  candidates[normalize_name(file.substr(0, dash))].push_back(std::move(candidate));
}

void check_hashes_required(const Options& options, const Chosen& chosen) {
  if (!options.require_hashes && !chosen.sources.require_hashes) return;
  for (const Pin& pin : chosen.pins) {
    if (!(pin.wheel ? pin.wheel->hashes : pin.hashes).empty()) continue;
    throw Error(ErrorCode::bad_input, pin.place, pin.name + " has no hash, but hashes are required",
                "add --hash to its line, or lock with hashes");
  }
}

// What is taken where both are at hand.
enum class Prefer { store, archive };

class Resolver {
 public:
  Resolver(const Options& options, const Chosen& chosen, const SelectionRequest& request, const Store& store,
           Fetcher& fetcher, Diagnostics& notes, Prefer prefer = Prefer::store)
      : options_(options),
        chosen_(chosen),
        request_(request),
        store_(store),
        fetcher_(fetcher),
        notes_(notes),
        prefer_(prefer) {
    for (Candidate& candidate : find_link_candidates(options, chosen.sources)) {
      add_candidate(links_, std::move(candidate));
    }
  }

  std::vector<Delivery> run() {
    std::vector<Delivery> deliveries(chosen_.pins.size());
    std::vector<std::size_t> for_index;
    for (std::size_t i = 0; i < deliveries.size(); ++i) {
      const Pin& pin = chosen_.pins[i];
      deliveries[i].package = pin.name + (pin.version.empty() ? "" : " " + pin.version);
      if (!(pin.wheel ? from_wheel(pin, deliveries[i])
                      : from_links(pin, deliveries[i]) || from_store(pin, deliveries[i]))) {
        for_index.push_back(i);
      }
    }
    ask_indexes(for_index, deliveries);
    return deliveries;
  }

 private:
  // A pin names its version, so a yanked file is taken; its authors had a reason to take it back.
  void take(const Candidate& candidate, const std::vector<Hash>& hashes, Delivery& delivery) const {
    if (candidate.yanked) {
      const std::string& file = candidate.file_name;
      notes_.push_back({Severity::warning, "yanked", delivery.package, file,
                        file + " was yanked by its authors", "lock again, so that another version is taken"});
    }
    delivery.source.path = candidate.path;
    delivery.source.file_name = candidate.file_name;
    delivery.source.hashes = hashes;
    if (hashes.empty()) delivery.source.hashes = candidate.hashes;
    delivery.checksums = candidate.checksums;
    delivery.source.size = candidate.size;
    delivery.url = candidate.url;
  }

  // The lock names the file.
  bool from_wheel(const Pin& pin, Delivery& delivery) const {
    const FileRef& wheel = *pin.wheel;
    delivery.source.file_name = wheel.name;
    delivery.source.hashes = wheel.hashes;
    delivery.source.size = wheel.size;
    delivery.url = wheel.url;
    const bool stored = store_.find(delivery.source).has_value();
    if (stored && prefer_ == Prefer::store) return true;
    const auto links = links_.find(pin.name);
    if (links != links_.end()) {
      for (const Candidate& candidate : links->second) {
        if (!ascii_iequal(candidate.file_name, wheel.name) || !candidate.fault.empty()) continue;
        delivery.source.path = candidate.path;
        if (candidate.path.empty()) delivery.url = candidate.url;
        return true;
      }
    }
    if (!stored || try_stat(AT_FDCWD, wheel.path)) delivery.source.path = wheel.path;
    return stored || !wheel.path.empty() || !wheel.url.empty();
  }

  // The lock has only hashes: the best wheel of those at hand.
  bool from_links(const Pin& pin, Delivery& delivery) const {
    const auto links = links_.find(pin.name);
    if (links == links_.end()) return false;
    try {
      take(links->second[choose_candidate(pin, links->second, request_)], pin.hashes, delivery);
      return true;
    } catch (const Error& error) {
      if (error.code() != ErrorCode::no_match || !may_ask_index()) throw;
      return false;
    }
  }

  // Nobody was named who has the files; one of the lock's files that is here and fits will do.
  bool from_store(const Pin& pin, Delivery& delivery) const {
    std::vector<Candidate> stored;
    for (const Hash& hash : pin.hashes) {
      if (hash.algorithm != HashAlgorithm::sha256) continue;
      if (const auto facts = store_.find(*Sha256::from_hex(hash.hex))) {
        stored.push_back({std::string(facts->file_name()), "", "", {hash}, std::nullopt, "", false, {}, ""});
      }
    }
    if (stored.empty()) return false;
    try {
      const Candidate& best = stored[choose_candidate(pin, stored, request_)];
      take(best, best.hashes, delivery);
      return true;
    } catch (const Error& error) {
      if (error.code() != ErrorCode::no_match) throw;
      return false;
    }
  }

  bool may_ask_index() const { return !index_urls(options_, chosen_.sources).empty(); }

  void ask_indexes(const std::vector<std::size_t>& wanted, std::vector<Delivery>& deliveries) {
    if (wanted.empty()) return;
    std::map<std::vector<std::string>, std::vector<std::size_t>> by_indexes;
    for (const std::size_t i : wanted) {
      std::vector<std::string> urls = index_urls(options_, chosen_.sources);
      const std::string& own = chosen_.pins[i].index;
      if (urls.empty() && is_url(own) && !options_.no_index) urls.push_back(own);
      if (urls.empty()) {
        throw Error(ErrorCode::no_match, chosen_.pins[i].place,
                    "no wheel: " + deliveries[i].package + " was found nowhere, and there is no index to ask",
                    "name a directory that has it (--find-links), or an index (--index-url)");
      }
      by_indexes[urls].push_back(i);
    }
    for (const auto& [urls, indices] : by_indexes) {
      std::vector<std::string> names;
      for (const std::size_t i : indices) names.push_back(chosen_.pins[i].name);
      const auto projects = fetch_projects(fetcher_, urls, names);
      for (std::size_t k = 0; k < indices.size(); ++k) {
        take_from_index(chosen_.pins[indices[k]], projects[k], deliveries[indices[k]]);
      }
    }
  }

  void take_from_index(const Pin& pin, const std::optional<IndexProject>& project, Delivery& delivery) const {
    if (!project) {
      throw Error(ErrorCode::no_match, pin.place, "no wheel: no index knows " + delivery.package,
                  "check the name and the indexes (--index-url)");
    }
    for (Diagnostic note : project->page.notes) {
      if (note.kind == "quarantined") {
        throw Error(ErrorCode::no_match, pin.place, "no wheel: " + delivery.package + ": " + note.message,
                    "lock again, so that it is not needed");
      }
      note.distribution = pin.name;
      notes_.push_back(std::move(note));
    }
    std::vector<Candidate> candidates;
    for (const IndexFile& file : project->page.files) {
      if (!pin.wheel || ascii_iequal(file.filename, pin.wheel->name))
        candidates.push_back(to_candidate(file));
    }
    take(candidates[choose_candidate(pin, candidates, request_)], pin.wheel ? pin.wheel->hashes : pin.hashes,
         delivery);
  }

  const Options& options_;
  const Chosen& chosen_;
  const SelectionRequest& request_;
  const Store& store_;
  Fetcher& fetcher_;
  Diagnostics& notes_;
  Prefer prefer_;
  Candidates links_;
};

// Locks need not tell what Python a wheel is for; its METADATA does. spec: "Core metadata", Requires-Python.
void check_python(const Pin& pin, const WheelFacts& facts, const SelectionRequest& request) {
  const auto range = facts.requires_python();
  if (!range) return;
  const auto wanted = SpecifierSet::try_parse(*range);
  const Version python = selection::python_version(request);
  if (!wanted || wanted->contains(python, true)) return;
  throw Error(ErrorCode::no_match, pin.place,
              std::string(facts.file_name()) + " needs Python " + std::string(*range) +
                  ", and the target has " + python.str(),
              "choose another interpreter with --python");
}

std::optional<std::string> direct_url_of(const Pin& pin) {
  if (!pin.direct_url) return std::nullopt;
  return render_direct_url(
      *pin.direct_url, pin.direct_url->path.empty() ? std::string() : absolute_path(pin.direct_url->path));
}

}  // namespace

std::vector<Candidate> find_link_candidates(const Options& options, const SourceOptions& of_lock) {
  std::vector<std::string> places = options.find_links;
  places.insert(places.end(), of_lock.find_links.begin(), of_lock.find_links.end());
  std::vector<Candidate> candidates;
  std::optional<Fetcher> fetcher;
  for (const std::string& place : places) {
    if (!is_url(place) && try_open_dir(AT_FDCWD, place)) {
      // A plain directory needs no URLs.
      const std::string dir = absolute_path(place);
      for (const DirEntry& entry : list_dir(AT_FDCWD, dir)) {
        if (entry.type != DT_DIR)
          candidates.push_back({entry.name, "", dir + "/" + entry.name, {}, {}, "", false, {}, ""});
      }
      continue;
    }
    if (!fetcher) fetcher.emplace(fetch_options(options));
    for (const IndexFile& file : fetch_links(*fetcher, is_url(place) ? place : absolute_path(place))) {
      candidates.push_back(to_candidate(file));
    }
  }
  return candidates;
}

std::vector<PlanWheel> acquire(const Options& options, const Chosen& chosen, const SelectionRequest& request,
                               Store& store, Diagnostics& notes) {
  check_hashes_required(options, chosen);
  Fetcher fetcher(fetch_options(options));
  const std::vector<Delivery> deliveries = Resolver(options, chosen, request, store, fetcher, notes).run();
  ProgressBar bar(options);
  std::jthread memory;
  DeliverProgress progress = bar.deliver_progress();
  progress.expected = [&](std::uint64_t bytes) { memory = expect_downloads(bytes); };
  std::vector<WheelFacts> facts =
      deliver(store, deliveries, fetcher, {verify_level(options), jobs(options)}, notes, progress);
  return plan_wheels(chosen, facts, request);
}

std::vector<PlanWheel> plan_wheels(const Chosen& chosen, const std::vector<WheelFacts>& facts,
                                   const SelectionRequest& request) {
  std::vector<PlanWheel> wheels;
  for (std::size_t i = 0; i < facts.size(); ++i) {
    check_python(chosen.pins[i], facts[i], request);
    wheels.push_back(
        {facts[i], chosen.pins[i].requested, direct_url_of(chosen.pins[i]), true, chosen.pins[i].order + 1});
  }
  return wheels;
}

std::vector<WheelSource> acquire_archives(const Options& options, const Chosen& chosen,
                                          const SelectionRequest& request, Store& store, Diagnostics& notes) {
  check_hashes_required(options, chosen);
  Fetcher fetcher(fetch_options(options));
  const std::vector<Delivery> deliveries =
      Resolver(options, chosen, request, store, fetcher, notes, Prefer::archive).run();
  ProgressBar bar(options);
  return deliver_archives(store, deliveries, fetcher, bar.deliver_progress());
}

Store open_store(const Options& options) { return Store::open(store_path(options)); }

}  // namespace axle::cli
