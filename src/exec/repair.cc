#include "exec/repair.h"

#include <sys/stat.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <string_view>

#include "base/file.h"
#include "base/parallel.h"

namespace axle {
namespace {

enum class Look { presence, contents };

bool is_whole(const Fd& root, const LaidEntry& entry, Look look) {
  const std::string& path = entry.path.str();
  const auto status = try_lstat(root.get(), path);
  if (!status || look == Look::presence) return status.has_value();
  switch (entry.kind) {
    case LaidKind::directory:
    case LaidKind::tree:
      return S_ISDIR(status->st_mode);
    case LaidKind::link:
      return try_read_link(root.get(), path) == entry.target && try_stat(root.get(), path);
    case LaidKind::file:
      break;
  }
  if (!S_ISREG(status->st_mode) || static_cast<std::uint64_t>(status->st_size) != entry.size) return false;
  if (entry.sha256 == Sha256{}) return mtime_ns(*status) == entry.mtime_ns;  // a RECORD
  return digest_of(MappedFile::open(root.get(), path)) == entry.sha256;
}

// The entry itself when all of it is whole; else its parts, down to the damaged files, which lose their
// identity.
std::vector<LaidEntry> examine(const Fd& root, const State& state, const LaidEntry& entry, Look look) {
  if (!is_whole(root, entry, look)) {
    LaidEntry damaged = entry;
    damaged.identity = {};
    return {damaged};
  }
  if (entry.kind != LaidKind::tree) return {entry};
  std::vector<LaidEntry> parts;
  bool whole = true;
  for (const LaidEntry& child : expand_tree(state, entry)) {
    std::vector<LaidEntry> below = examine(root, state, child, look);
    whole = whole && below.size() == 1 && below.front().identity == child.identity;
    std::move(below.begin(), below.end(), std::back_inserter(parts));
  }
  if (whole) return {entry};
  return parts;
}

// The entries that are to be looked at, by index.
void mark(const Fd& root, State& state, unsigned jobs, Look look,
          const std::vector<std::size_t>& entries_at) {
  std::vector<std::vector<LaidEntry>> instead(state.entries.size());  // of those that are not whole
  parallel_for(entries_at.size(), jobs, [&](std::size_t i) {
    const LaidEntry& entry = state.entries[entries_at[i]];
    std::vector<LaidEntry> parts = examine(root, state, entry, look);
    if (parts.size() > 1 || parts.front().identity != entry.identity)
      instead[entries_at[i]] = std::move(parts);
  });
  std::vector<LaidEntry> entries;
  for (std::size_t i = 0; i < instead.size(); ++i) {
    if (instead[i].empty()) continue;
    if (entries.empty()) entries.swap(state.entries);
    state.entries.insert(state.entries.end(), std::make_move_iterator(instead[i].begin()),
                         std::make_move_iterator(instead[i].end()));
  }
  if (entries.empty()) return;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (instead[i].empty()) state.entries.push_back(std::move(entries[i]));
  }
  std::sort(state.entries.begin(), state.entries.end(),
            [](const LaidEntry& a, const LaidEntry& b) { return a.path < b.path; });
}

// `applies(owner)`: of the entries of which all owners are such.
template <class Applies>
std::vector<std::size_t> entries_of(const State& state, const Applies& applies) {
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < state.entries.size(); ++i) {
    const std::vector<DistId>& owners = state.entries[i].owners;
    if (std::all_of(owners.begin(), owners.end(), applies)) found.push_back(i);
  }
  return found;
}

}  // namespace

void mark_damage(const Fd& root, State& state, unsigned jobs) {
  mark(root, state, jobs, Look::contents, entries_of(state, [&](DistId owner) {
         return owner == environment_itself || state.dists[owner].ours;
       }));
}

void mark_absent(const Fd& root, State& state, const std::vector<std::size_t>& entries) {
  if (!entries.empty()) mark(root, state, 1, Look::presence, entries);
}

void mark_missing(const Fd& root, State& state, const Plan& plan, unsigned jobs) {
  std::map<std::string_view, const Dist*> planned;
  for (const Dist& dist : plan.dists) {
    if (dist.recorded) planned.emplace(dist.name, &dist);
  }
  std::vector<bool> is_other(state.dists.size());
  std::size_t files = 0;
  for (std::size_t i = 0; i < state.dists.size(); ++i) {
    const LaidDist& dist = state.dists[i];
    const auto now = planned.find(dist.name);
    is_other[i] = dist.ours && now != planned.end() && now->second->facts.store_id() != dist.facts.store_id();
    if (is_other[i]) files += dist.facts.files().size();
  }
  if (files == 0) return;
  // A thread takes longer to start than to look at a few files.
  constexpr std::size_t few_files = 512;
  mark(root, state, files < few_files ? 1 : jobs, Look::presence,
       entries_of(state, [&](DistId owner) { return owner != environment_itself && is_other[owner]; }));
}

}  // namespace axle
