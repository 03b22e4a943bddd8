#include "exec/repair.h"

#include <sys/stat.h>

#include <algorithm>
#include <iterator>

#include "base/file.h"
#include "base/parallel.h"

namespace axle {
namespace {

bool is_whole(const Fd& root, const LaidEntry& entry) {
  const std::string& path = entry.path.str();
  const auto status = try_lstat(root.get(), path);
  if (!status) return false;
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
std::vector<LaidEntry> examine(const Fd& root, const State& state, const LaidEntry& entry) {
  if (!is_whole(root, entry)) {
    LaidEntry damaged = entry;
    damaged.identity = {};
    return {damaged};
  }
  if (entry.kind != LaidKind::tree) return {entry};
  std::vector<LaidEntry> parts;
  bool whole = true;
  for (const LaidEntry& child : expand_tree(state, entry)) {
    std::vector<LaidEntry> below = examine(root, state, child);
    whole = whole && below.size() == 1 && below.front().identity == child.identity;
    std::move(below.begin(), below.end(), std::back_inserter(parts));
  }
  if (whole) return {entry};
  return parts;
}

}  // namespace

void mark_damage(const Fd& root, State& state, unsigned jobs) {
  std::vector<std::vector<LaidEntry>> examined(state.entries.size());
  parallel_for(state.entries.size(), jobs, [&](std::size_t i) {
    const LaidEntry& entry = state.entries[i];
    const bool ours = std::all_of(entry.owners.begin(), entry.owners.end(), [&](DistId owner) {
      return owner == environment_itself || state.dists[owner].ours;
    });
    examined[i] = ours ? examine(root, state, entry) : std::vector<LaidEntry>{entry};
  });
  state.entries.clear();
  for (auto& part : examined) std::move(part.begin(), part.end(), std::back_inserter(state.entries));
  std::sort(state.entries.begin(), state.entries.end(),
            [](const LaidEntry& a, const LaidEntry& b) { return a.path < b.path; });
}

}  // namespace axle
