#include "exec/state.h"

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <set>

#include "axle/base/error.h"
#include "axle/env/installed.h"
#include "axle/plan/plan.h"
#include "axle/wheel/facts_builder.h"
#include "base/file.h"
#include "exec/own_files.h"
#include "exec/receipt.h"
#include "exec/repair.h"

namespace axle {
namespace {

// The rows of RECORD; nullopt, and a note, when nobody can know what belongs to the distribution.
std::optional<std::vector<InstalledFile>> rows_of(const Fd& root, const Layout& layout,
                                                  const InstalledDist& dist, Diagnostics& notes) {
  std::string why = "has no RECORD, so nobody knows what belongs to it";
  try {
    if (auto rows = read_installed_record(root.get(), layout, dist)) return rows;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::bad_input) throw;
    why = "RECORD cannot be read: " + error.message();
  }
  notes.push_back({Severity::warning, "record-missing", dist.normalized, dist.dist_info.str(), std::move(why),
                   "install it again with the tool that installed it"});
  return std::nullopt;
}

// The files of a dist-info as they lie there, as rows that promise nothing.
void list_rows(const Fd& root, const RelPath& dir, int depth, std::vector<InstalledFile>& rows) {
  constexpr int max_depth = 16;
  const auto open = try_open_dir(root.get(), dir.str());
  if (!open || depth > max_depth) return;
  for (const DirEntry& entry : list_dir(*open, dir.str())) {
    const auto name = RelPath::try_parse(entry.name);
    if (!name) continue;
    const RelPath path = dir.join(*name);
    if (entry.type == DT_DIR) {
      list_rows(root, path, depth + 1, rows);
    } else {
      rows.push_back({path.str(), path, "", "", std::nullopt});
    }
  }
}

// What RECORD says, as the facts of a wheel that lies in this layout: packages in purelib, everything else as
// data.
WheelFacts facts_of_rows(const std::vector<InstalledFile>& rows, const Layout& layout,
                         const InstalledDist& dist, Diagnostics& notes) {
  FactsBuilder builder;
  builder.name(dist.name).version(dist.version).dist_info(dist.dist_info.name());
  std::set<std::string> seen;
  for (const InstalledFile& row : rows) {
    if (!row.path) {
      notes.push_back({Severity::warning, "record-outside", dist.normalized, row.recorded,
                       "RECORD names a path outside of the environment; it is left alone", ""});
      continue;
    }
    if (!seen.insert(row.path->str()).second) continue;
    Scheme scheme = Scheme::purelib;
    std::string below = row.path->str();
    if (layout.purelib && row.path->is_within(*layout.purelib) && *row.path != *layout.purelib) {
      below.erase(0, layout.purelib->str().size() + 1);
    } else if (layout.purelib) {
      scheme = Scheme::data;
    }
    FileInput file;
    file.size = row.size.value_or(0);
    if (row.algorithm == "sha256") file.sha256 = Sha256::from_base64url(row.digest).value_or(Sha256{});
    builder.file(scheme, below, file);
  }
  return builder.build();
}

// What another tool's distributions occupy, in the terms of a plan.
void add_foreign_entries(State& state, const Layout& layout) {
  PlanInput input;
  input.layout = layout;
  input.policy.on_conflict = ConflictPolicy::first;
  std::vector<DistId> ids;
  for (DistId id = 0; id < state.dists.size(); ++id) {
    if (state.dists[id].ours) continue;
    input.wheels.push_back({state.dists[id].facts, false, std::nullopt, false});
    ids.push_back(id);
  }
  if (ids.empty()) return;
  const Plan plan = make_plan(input);
  for (const Entry& entry : plan.entries) {
    if (entry.owner == environment_itself) continue;
    LaidEntry laid{entry.path,
                   LaidKind::file,
                   {ids[entry.owner]},
                   entry.identity,
                   environment_itself,
                   0,
                   {},
                   0,
                   0,
                   entry.executable,
                   {}};
    for (const DistId sharer : entry.sharers) laid.owners.push_back(ids[sharer]);
    if (const auto* tree = std::get_if<StoreTree>(&entry.content)) {
      laid.kind = LaidKind::tree;
      laid.dist = ids[tree->wheel];
      laid.dir = tree->dir;
    } else if (const auto* file = std::get_if<StoreFile>(&entry.content)) {
      const FileFact& fact = plan.dists[file->wheel].facts.file(file->file);
      laid.sha256 = fact.sha256;
      laid.size = fact.size;
    }
    state.entries.push_back(std::move(laid));
  }
}

// Drops distributions, and their entries' claims; ids are renumbered. Gives the indices of the entries that
// are left to others.
std::vector<std::size_t> keep_dists(State& state, const std::vector<bool>& keep) {
  std::vector<std::size_t> left;
  if (std::find(keep.begin(), keep.end(), false) == keep.end()) return left;
  std::vector<DistId> renumbered(state.dists.size(), environment_itself);
  std::vector<LaidDist> dists;
  for (std::size_t i = 0; i < keep.size(); ++i) {
    if (!keep[i]) continue;
    renumbered[i] = static_cast<DistId>(dists.size());
    dists.push_back(std::move(state.dists[i]));
  }
  std::vector<LaidEntry> entries;
  for (LaidEntry& entry : state.entries) {
    std::vector<DistId> owners;
    for (const DistId owner : entry.owners) {
      if (owner == environment_itself) {
        owners.push_back(owner);
      } else if (keep[owner]) {
        owners.push_back(renumbered[owner]);
      }
    }
    if (owners.empty()) continue;
    if (entry.dist != environment_itself) {
      if (!keep[entry.dist]) continue;
      entry.dist = renumbered[entry.dist];
    }
    if (owners.size() < entry.owners.size()) left.push_back(entries.size());
    entry.owners = std::move(owners);
    entries.push_back(std::move(entry));
  }
  state.dists = std::move(dists);
  state.entries = std::move(entries);
  return left;
}

}  // namespace

namespace {

// A symbolic link that axle laid for a distribution of which the store knows nothing any more.
struct LostLink {
  RelPath dist_info;
  LaidEntry entry;
};

std::vector<LostLink> links_of_others(const State& state, const std::vector<bool>& keep) {
  std::vector<LostLink> links;
  for (const LaidEntry& entry : state.entries) {
    if (entry.kind != LaidKind::link) continue;
    const DistId owner = entry.owners.front();
    if (owner != environment_itself && !keep[owner]) links.push_back({state.dists[owner].dist_info, entry});
  }
  return links;
}

void divide_trees_above(State& state, const RelPath& path) {
  const auto is_above = [&](const LaidEntry& entry) {
    return entry.kind == LaidKind::tree && path.is_within(entry.path) && path != entry.path;
  };
  while (true) {
    const auto tree = std::find_if(state.entries.begin(), state.entries.end(), is_above);
    if (tree == state.entries.end()) return;
    const std::vector<LaidEntry> below = expand_tree(state, *tree);
    state.entries.erase(tree);
    state.entries.insert(state.entries.end(), below.begin(), below.end());
  }
}

// RECORD has files where the links are, or behind them: those of the same bytes would be taken for what a
// copy leaves.
void put_back_links(const Fd& root, State& state, std::vector<LostLink> links) {
  for (LostLink& link : links) {
    LaidEntry& entry = link.entry;
    const auto owner = std::find_if(state.dists.begin(), state.dists.end(),
                                    [&](const LaidDist& dist) { return dist.dist_info == link.dist_info; });
    if (owner == state.dists.end() || try_read_link(root.get(), entry.path.str()) != entry.target) continue;
    divide_trees_above(state, entry.path);
    std::erase_if(state.entries, [&](const LaidEntry& other) { return other.path.is_within(entry.path); });
    entry.owners = {static_cast<DistId>(owner - state.dists.begin())};
    entry.dist = environment_itself;
    state.entries.push_back(std::move(entry));
  }
}

struct FoundFacts {
  WheelFacts facts;
  bool at_hand;  // the wheel's files are in a store, too
};

std::optional<FoundFacts> find_facts(const Fd& root, std::initializer_list<const Store*> stores,
                                     const Sha256& wheel) {
  for (const Store* store : stores) {
    if (store == nullptr) continue;
    if (auto facts = store->find(wheel)) return FoundFacts{*std::move(facts), true};
  }
  const std::string path = std::string(own::facts) + "/" + wheel.hex();
  auto mapped = MappedFile::try_open(root.get(), path);
  if (!mapped) return std::nullopt;
  auto owner = std::make_shared<MappedFile>(std::move(*mapped));
  const std::string_view bytes = owner->bytes();
  return FoundFacts{WheelFacts::open(std::move(owner), bytes, path), false};
}

// By size and time, without reading it. The entries are sorted by path.
bool installer_looks_laid(const Fd& root, const State& state, const RelPath& dist_info) {
  const std::string path = dist_info.str() + "/INSTALLER";
  const auto laid = std::lower_bound(state.entries.begin(), state.entries.end(), path,
                                     [](const LaidEntry& entry, const std::string& key) {
                                       return compare_paths(entry.path.str(), key) < 0;
                                     });
  if (laid == state.entries.end() || laid->path.str() != path) return false;
  const auto status = try_lstat(root.get(), path);
  return status && S_ISREG(status->st_mode) && static_cast<std::uint64_t>(status->st_size) == laid->size &&
         mtime_ns(*status) == laid->mtime_ns;
}

std::set<std::string_view> paths_of(const std::vector<Witness>& places) {
  std::set<std::string_view> paths;
  for (const Witness& place : places) paths.insert(place.path);
  return paths;
}

// Gives the trees of the receipt their directories. False when the facts do not have them.
std::vector<bool> find_trees(Receipt& receipt) {
  std::vector<bool> whole(receipt.state.dists.size(), true);
  for (const TreePlace& tree : receipt.trees) {
    LaidEntry& entry = receipt.state.entries[tree.entry];
    const auto dir = receipt.state.dists[entry.dist].facts.find_dir(tree.scheme, tree.path);
    if (!dir) whole[entry.dist] = false;
    entry.dir = dir.value_or(0);
  }
  return whole;
}

}  // namespace

Installation read_installation(const Fd& root, const Layout& layout, const Store* store,
                               const Store* linked) {
  Installation installation;
  Installed installed = read_installed(root.get(), layout);
  installation.notes = installed.notes;
  std::map<RelPath, const InstalledDist*> present;
  for (const InstalledDist& dist : installed.dists) present.emplace(dist.dist_info, &dist);

  std::vector<LostLink> links;
  if (auto receipt = read_receipt(root)) {
    // What no longer holds is of no use to anybody.
    std::erase_if(receipt->head.places, [&](const Witness& place) { return !still_holds(root, place); });
    const std::set<std::string_view> untouched = paths_of(receipt->head.places);
    std::vector<LaidDist>& dists = receipt->state.dists;
    std::vector<bool> keep(dists.size());
    std::set<RelPath> at_hand;  // dist-infos
    for (std::size_t i = 0; i < dists.size(); ++i) {
      const auto found = present.find(dists[i].dist_info);
      if (found == present.end()) continue;
      // Another tool says so by its INSTALLER; a copy of the same version by that tool is its own. It need
      // not be read where the directory and the file look as they were left.
      const bool ours = (untouched.contains(dists[i].dist_info.str()) &&
                         installer_looks_laid(root, receipt->state, dists[i].dist_info)) ||
                        read_installer(root.get(), *found->second).value_or("axle") == "axle";
      if (!ours) continue;
      const auto facts = find_facts(root, {store, linked}, receipt->wheels[i]);
      if (!facts) continue;  // from here on it is what its RECORD says, as if another tool had installed it
      dists[i].facts = facts->facts;
      if (facts->at_hand) at_hand.insert(dists[i].dist_info);
      keep[i] = true;
    }
    const std::vector<bool> whole = find_trees(*receipt);
    for (std::size_t i = 0; i < dists.size(); ++i) {
      keep[i] = keep[i] && whole[i];
    }
    links = links_of_others(receipt->state, keep);
    for (std::size_t i = 0; i < dists.size(); ++i) {
      if (keep[i]) present.erase(dists[i].dist_info);
    }
    installation.head = std::move(receipt->head);
    installation.state = std::move(receipt->state);
    std::vector<std::size_t> left = keep_dists(installation.state, keep);
    // Who took the others away may have taken what they shared.
    const State& state = installation.state;
    std::erase_if(left, [&](std::size_t i) {
      const DistId owner = state.entries[i].owners.front();
      return owner != environment_itself && !at_hand.contains(state.dists[owner].dist_info);
    });
    mark_absent(root, installation.state, left);
  }

  State& state = installation.state;
  for (const auto& [path, dist] : present) {
    auto rows = rows_of(root, layout, *dist, installation.notes);
    const bool has_record = rows.has_value();
    if (!has_record) list_rows(root, path, 0, rows.emplace());
    state.dists.push_back({facts_of_rows(*rows, layout, *dist, installation.notes), dist->normalized,
                           dist->version, path, false, std::nullopt, false, has_record});
  }
  add_foreign_entries(state, layout);
  put_back_links(root, state, std::move(links));
  return installation;
}

std::set<DistId> linked_dists(const State& state) {
  std::set<DistId> linked;
  for (const LaidEntry& entry : state.entries) {
    if (entry.kind != LaidKind::link) continue;
    for (const DistId owner : entry.owners) {
      if (owner != environment_itself && state.dists[owner].ours) linked.insert(owner);
    }
  }
  return linked;
}

}  // namespace axle
