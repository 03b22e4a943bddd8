#include "axle/plan/split_layers.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <system_error>

#include "axle/base/error.h"

namespace axle {
namespace {

// A distribution with what it brings.
struct Share {
  DistId dist;
  std::string name;
  Sha256 key;
  std::uint64_t bytes = 0;
};

constexpr std::size_t key_bits = 256;
// Of many distributions, so many bits make groups.
constexpr std::size_t package_bits = 6;

bool bit(const Sha256& key, std::size_t index) {
  return ((key.bytes[index / 8] >> (7 - index % 8)) & 1) != 0;
}

struct Group {
  std::string name;
  std::vector<DistId> dists;
};

// How far to divide: until a group has no more bytes, or its names have so many bits in common.
struct Limit {
  std::uint64_t bytes = 0;
  std::size_t depth = key_bits;
};

// `shares` is sorted by key, and all have the first `depth` bits in common.
void divide(const std::vector<Share>& shares, std::size_t first, std::size_t last, std::size_t depth,
            const Limit& limit, std::vector<Group>& groups) {
  while (true) {
    if (first == last) return;
    std::uint64_t bytes = 0;
    for (std::size_t i = first; i < last; ++i) bytes += shares[i].bytes;
    if (bytes <= limit.bytes || last - first == 1 || depth == limit.depth) break;
    std::size_t middle = first;
    while (middle < last && !bit(shares[middle].key, depth)) ++middle;
    ++depth;
    if (middle == first || middle == last) continue;
    divide(shares, first, middle, depth, limit, groups);
    first = middle;
  }
  Group group;
  group.name = "group-";
  for (std::size_t i = 0; i < depth; ++i) group.name += bit(shares[first].key, i) ? '1' : '0';
  if (last - first == 1) group.name = shares[first].name;
  for (std::size_t i = first; i < last; ++i) group.dists.push_back(shares[i].dist);
  groups.push_back(std::move(group));
}

std::vector<Group> make_groups(const Plan& plan, const std::vector<FlatEntry>& entries,
                               const SplitRule& rule) {
  std::vector<Share> shares;
  for (DistId id = 0; id < plan.dists.size(); ++id) {
    shares.push_back({id, plan.dists[id].name, Sha256::of(plan.dists[id].name), 0});
  }
  for (const FlatEntry& entry : entries) {
    if (entry.owner != environment_itself && entry.kind == FlatKind::file && entry.written) {
      shares[entry.owner].bytes += entry.written->size;
    }
  }
  std::vector<Group> groups;
  const bool many = rule.by == SplitBy::package && shares.size() > max_package_layers;
  if (rule.by == SplitBy::size || many) {
    std::sort(shares.begin(), shares.end(), [](const Share& a, const Share& b) { return a.key < b.key; });
    divide(shares, 0, shares.size(), 0, many ? Limit{0, package_bits} : Limit{rule.bytes, key_bits}, groups);
  } else {
    std::sort(shares.begin(), shares.end(), [](const Share& a, const Share& b) { return a.name < b.name; });
    for (const Share& share : shares) groups.push_back({share.name, {share.dist}});
  }
  return groups;
}

// Parts as they fill. A part gets a directory when it gets something below it, once.
class Filler {
 public:
  Filler(std::vector<LayerPart>& parts, const std::vector<FlatEntry>& entries)
      : parts_(parts), entries_(entries), has_(parts.size()) {}

  // `above` are the directories above the entry, from the root, by index.
  void add(std::size_t part, const std::vector<std::size_t>& above, std::size_t entry) {
    std::vector<std::size_t>& has = has_[part];
    for (std::size_t depth = 0; depth < above.size(); ++depth) {
      if (depth < has.size() && has[depth] == above[depth]) continue;
      has.resize(depth);
      has.push_back(above[depth]);
      parts_[part].entries.push_back(entries_[above[depth]]);
    }
    has.resize(above.size());
    if (entries_[entry].kind == FlatKind::directory) has.push_back(entry);
    parts_[part].entries.push_back(entries_[entry]);
  }

 private:
  std::vector<LayerPart>& parts_;
  const std::vector<FlatEntry>& entries_;
  std::vector<std::vector<std::size_t>> has_;  // by part: its directories above what it got last
};

std::vector<LayerPart> one_layer(const Plan& plan, std::vector<FlatEntry> entries) {
  LayerPart part;
  for (const Dist& dist : plan.dists) part.distributions.push_back(dist.name);
  std::sort(part.distributions.begin(), part.distributions.end());
  part.entries = std::move(entries);
  std::vector<LayerPart> parts;
  parts.push_back(std::move(part));
  return parts;
}

}  // namespace

SplitRule parse_split(std::string_view text) {
  if (text.empty() || text == "none") return {};
  if (text == "package") return {SplitBy::package, 0};
  if (text.starts_with("size:")) {
    std::string_view digits = text.substr(5);
    std::uint64_t unit = 1;
    const std::size_t power =
        digits.empty() ? std::string_view::npos : std::string_view("KMG").find(digits.back());
    if (power != std::string_view::npos) {
      unit = std::uint64_t{1} << (10 * (power + 1));
      digits.remove_suffix(1);
    }
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    const bool whole = !digits.empty() && error == std::errc() && end == digits.data() + digits.size();
    if (whole && value > 0 && value <= (std::uint64_t{1} << 50) / unit) return {SplitBy::size, value * unit};
  }
  throw Error(ErrorCode::usage, "--split \"" + std::string(text) + "\" is no way to split",
              "package, none, or size:N in bytes (50M, 1G)");
}

std::vector<LayerPart> split_layers(const Plan& plan, std::vector<FlatEntry> entries, const SplitRule& rule) {
  if (rule.by == SplitBy::none) return one_layer(plan, std::move(entries));
  const std::vector<Group> groups = make_groups(plan, entries, rule);
  std::vector<LayerPart> parts(groups.size() + 1);
  std::vector<std::size_t> part_of(plan.dists.size());
  for (std::size_t i = 0; i < groups.size(); ++i) {
    parts[i + 1].name = groups[i].name;
    for (const DistId dist : groups[i].dists) {
      part_of[dist] = i + 1;
      parts[i + 1].distributions.push_back(plan.dists[dist].name);
    }
    std::sort(parts[i + 1].distributions.begin(), parts[i + 1].distributions.end());
  }
  Filler filler(parts, entries);
  std::vector<std::size_t> above;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const FlatEntry& entry = entries[i];
    while (!above.empty()) {
      const std::string& dir = entries[above.back()].path;
      if (dir.empty() || (entry.path.starts_with(dir) && entry.path[dir.size()] == '/')) break;
      above.pop_back();
    }
    // A directory of the environment's own is wanted even when it is empty; others come with their files.
    const bool wanted = entry.kind != FlatKind::directory || entry.path.empty() ||
                        (entry.owner == environment_itself && entry.entry.has_value());
    if (wanted) filler.add(entry.owner == environment_itself ? 0 : part_of[entry.owner], above, i);
    if (entry.kind == FlatKind::directory) above.push_back(i);
  }
  return parts;
}

}  // namespace axle
