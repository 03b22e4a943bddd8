#pragma once
// From what is installed to what shall be: the least change.

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "axle/base/digest.h"
#include "axle/base/rel_path.h"
#include "axle/plan/plan.h"
#include "axle/wheel/facts.h"

namespace axle {

enum class LaidKind : std::uint8_t { file, tree, link, directory };

// What an earlier command laid, or what another tool recorded, at a path.
struct LaidEntry {
  RelPath path;
  LaidKind kind = LaidKind::file;
  std::vector<DistId> owners;  // indices into State::dists, or environment_itself
  Sha256 identity;
  // Of a tree: where its facts are.
  DistId dist = environment_itself;
  std::uint32_t dir = 0;
  // Of a file: how it looked. Of a link: `target`.
  Sha256 sha256;
  std::uint64_t size = 0;
  std::int64_t mtime_ns = 0;
  bool executable = false;
  std::string target;
};

struct LaidDist {
  WheelFacts facts;  // the wheel's own; of another tool's distribution made from its RECORD
  std::string name;  // normalized
  std::string version;
  RelPath dist_info;
  bool requested = false;
  std::optional<std::string> direct_url;
  bool ours = true;        // laid by axle
  bool has_record = true;  // false: nobody knows what belongs to it, so it cannot be removed
};

// An environment as it is, as far as it is recorded.
struct State {
  std::vector<LaidDist> dists;     // sorted by name
  std::vector<LaidEntry> entries;  // sorted by path
};

struct Changes {
  std::vector<LaidEntry> remove;  // sorted by path; a replaced path is in both
  std::vector<Entry> add;         // sorted by path
  std::vector<Entry> result;      // all that will be there, as it will lie there; sorted by path
  // Real directories that become one link into the store again, and dist-infos that go; all that is recorded
  // in them is in `remove`. They must hold nothing else. Sorted.
  std::vector<RelPath> join;
  bool empty() const noexcept { return remove.empty() && add.empty(); }
};

struct DiffOptions {
  // Directories (paths under the root) that hold files which nobody recorded: they are not replaced as a
  // whole.
  std::set<RelPath> strangers;
  // Treats every entry of these distributions as different; empty: none. Names are normalized.
  std::set<std::string> relay;
  enum class Relay { named, all } relay_scope = Relay::named;
  // Distributions of the plan that cannot be laid now: files of theirs that another tool's distribution
  // shared stay as that tool left them. Names are normalized.
  std::set<std::string> not_at_hand;
  // expanded: no directory that is there can be renamed, so each is treated as if it held strangers.
  enum class Directories { whole, expanded } directories = Directories::whole;
};

// Pure. diff(what apply(diff(s, p)) left, p) is empty.
Changes diff(const State& state, const Plan& plan, const DiffOptions& options = {});

// Whether another tool's distribution is one of the plan's too, as it is.
bool stays_with_its_tool(const Plan& plan, const LaidDist& dist);

// A tree as the things directly in it.
std::vector<LaidEntry> expand_tree(const State& state, const LaidEntry& tree);
std::vector<Entry> expand_tree(const Plan& plan, const Entry& tree);

}  // namespace axle
