#include "exec/survey.h"

#include <dirent.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <deque>
#include <map>

#include "axle/base/error.h"
#include "base/file.h"
#include "base/parallel.h"
#include "base/sorted.h"
#include "base/text.h"
#include "plan/passes.h"

namespace axle {
namespace {

Sha256 digest_of_file(int dir, const std::string& path) { return digest_of(MappedFile::open(dir, path)); }

bool file_matches(int dir, const std::string& path, const Sha256& sha256, std::uint64_t size,
                  std::int64_t time) {
  const auto status = try_lstat(dir, path);
  if (!status || !S_ISREG(status->st_mode) || static_cast<std::uint64_t>(status->st_size) != size)
    return false;
  return mtime_ns(*status) == time || digest_of_file(dir, path) == sha256;
}

bool is_byte_code(const std::string& directory, const std::string& name) {
  return directory == "__pycache__" && (name.ends_with(".pyc") || name.find(".pyc.") != std::string::npos);
}

// One removed tree against the disk.
class TreeSurvey {
 public:
  TreeSurvey(const Fd& root, const WheelFacts& facts, const LaidEntry& tree, bool ours)
      : root_(root), facts_(facts), tree_(tree), ours_(ours) {}

  void run() { visit(tree_.dir, tree_.path.str()); }

  std::vector<RelPath> changed;
  std::set<RelPath> strangers;

 private:
  // What the facts name and what is there are both sorted by name.
  void visit(std::uint32_t index, const std::string& path) {
    const auto dir = try_open_dir(root_.get(), path);
    if (!dir) return;
    const auto files = facts_.files_in(facts_.dir(index));
    const std::vector<std::uint32_t> dirs = facts_.child_dirs(index);
    auto file = files.begin();
    auto child = dirs.begin();
    const auto name_of_file = [&] { return file == files.end() ? std::string_view() : facts_.name(*file); };
    std::string_view file_name = name_of_file();
    for (const DirEntry& entry : list_dir(*dir, path)) {
      if (entry.type == DT_DIR) {
        while (child != dirs.end() && facts_.name(facts_.dir(*child)) < entry.name) ++child;
        const std::string below = path + "/" + entry.name;
        if (child != dirs.end() && facts_.name(facts_.dir(*child)) == entry.name) {
          visit(*child, below);
        } else {
          visit_stranger(dir->get(), entry.name, below);
        }
        continue;
      }
      while (file != files.end() && file_name < entry.name) {
        ++file;
        file_name = name_of_file();
      }
      if (file_name != entry.name) {
        if (!is_byte_code(path.substr(path.rfind('/') + 1), entry.name))
          add_stranger(path + "/" + entry.name);
      } else if (ours_ && !file_matches(dir->get(), entry.name, file->sha256, file->size,
                                        file->mtime * 1'000'000'000)) {
        changed.push_back(RelPath::parse(path + "/" + entry.name));
      }
    }
  }

  void visit_stranger(int dir, const std::string& name, const std::string& path) {
    for (const DirEntry& entry : list_dir(dir, name)) {
      if (entry.type == DT_DIR || !is_byte_code(name, entry.name)) add_stranger(path + "/" + entry.name);
    }
  }

  void add_stranger(const std::string& path) {
    // A name that no RelPath can hold is a stranger all the same: its directory is.
    if (auto parsed = RelPath::try_parse(path)) {
      strangers.insert(*std::move(parsed));
    } else {
      strangers.insert(RelPath::parse(path.substr(0, path.rfind('/'))));
    }
  }

  const Fd& root_;
  const WheelFacts& facts_;
  const LaidEntry& tree_;
  bool ours_;
};

// "a/__pycache__/m.cpython-311.pyc", ... of "a/m.py".
void find_byte_code(const Fd& root, const RelPath& module,
                    std::map<std::string, std::vector<DirEntry>>& listings, std::vector<RelPath>& found) {
  const auto parent = module.parent();
  const std::string cache = (parent ? parent->str() + "/" : std::string()) + "__pycache__";
  auto listing = listings.find(cache);
  if (listing == listings.end()) {
    std::vector<DirEntry> entries;
    if (const auto dir = try_open_dir_here(root.get(), cache)) entries = list_dir(*dir, cache);
    listing = listings.emplace(cache, std::move(entries)).first;
  }
  std::string stem(module.name());
  stem.erase(stem.size() - 2);  // "m."
  for (const DirEntry& entry : listing->second) {
    if (!entry.name.starts_with(stem) || !is_byte_code("__pycache__", entry.name)) continue;
    if (auto path = RelPath::try_parse(cache + "/" + entry.name)) found.push_back(*std::move(path));
  }
}

// Whatever is in a directory to be joined and not recorded, as strangers. `recorded` is sorted by path; what
// is in its trees is left to TreeSurvey.
void find_unrecorded(const Fd& root, const std::string& path, const std::vector<LaidEntry>& recorded,
                     std::set<RelPath>& strangers) {
  const auto dir = try_open_dir_here(root.get(), path);
  if (!dir) {
    if (try_lstat(root.get(), path)) strangers.insert(RelPath::parse(path));
    return;
  }
  for (const DirEntry& entry : list_dir(*dir, path)) {
    const auto below = RelPath::try_parse(path + "/" + entry.name);
    if (!below) {  // a name that no RelPath can hold is nobody's
      strangers.insert(RelPath::parse(path));
      continue;
    }
    const auto known =
        std::lower_bound(recorded.begin(), recorded.end(), *below,
                         [](const LaidEntry& laid, const RelPath& key) { return laid.path < key; });
    const bool is_known = known != recorded.end() && known->path == *below;
    if (entry.type == DT_DIR) {
      if (!is_known || known->kind != LaidKind::tree)
        find_unrecorded(root, below->str(), recorded, strangers);
    } else if (!is_known && !is_byte_code(path.substr(path.rfind('/') + 1), entry.name)) {
      strangers.insert(*below);
    }
  }
}

bool is_ours(const State& state, const LaidEntry& entry) {
  return std::all_of(entry.owners.begin(), entry.owners.end(),
                     [&](DistId owner) { return owner == environment_itself || state.dists[owner].ours; });
}

}  // namespace

bool is_unchanged(int dir, const std::string& path, const LaidEntry& entry) {
  if (entry.kind == LaidKind::link) return try_read_link(dir, path) == entry.target;
  return file_matches(dir, path, entry.sha256, entry.size, entry.mtime_ns);
}

Changes diff_on_disk(const Fd& root, const State& state, const Plan& plan, DiffOptions& how) {
  while (true) {
    Changes changes = diff(state, plan, how);
    std::set<RelPath> strangers;
    for (const RelPath& dir : changes.join) find_unrecorded(root, dir.str(), changes.remove, strangers);
    if (strangers.empty()) return changes;
    how.strangers.merge(strangers);
  }
}

bool is_overlay(const Fd& root) {
  struct statfs status {};
  return fstatfs(root.get(), &status) == 0 && status.f_type == OVERLAYFS_SUPER_MAGIC;
}

void require_beneath(const Fd& root, const std::vector<RelPath>& paths) {
  std::set<std::string, std::less<>> seen;
  for (const RelPath& path : paths) {
    const std::string_view text = path.str();
    const std::size_t slash = text.rfind('/');
    if (slash == std::string_view::npos || seen.contains(text.substr(0, slash))) continue;
    try_open_dir_beneath(root.get(), *seen.emplace(text.substr(0, slash)).first);
  }
}

void require_records(const State& state, const Plan& plan) {
  for (const LaidDist& dist : state.dists) {
    if (dist.has_record || stays_with_its_tool(plan, dist)) continue;
    throw Error(ErrorCode::bad_input, Place{dist.dist_info.str()},
                dist.name + " has no RECORD, so nobody knows what belongs to it and it cannot be removed",
                "remove it with the tool that installed it");
  }
}

std::set<std::string> find_not_at_hand(const State& state, const Plan& plan, const Trees& trees) {
  std::set<std::string> names;
  if (std::all_of(state.dists.begin(), state.dists.end(), [](const LaidDist& dist) { return dist.ours; }))
    return names;
  for (std::size_t i = 0; i < trees.size(); ++i) {
    if (plan.dists[i].recorded && !try_lstat(trees[i].dir, trees[i].path)) names.insert(plan.dists[i].name);
  }
  return names;
}

void require_links(const State& state, const Plan& plan, const std::vector<LaidEntry>& remove) {
  for (const LaidEntry& entry : remove) {
    if (entry.kind != LaidKind::link) continue;
    for (const DistId owner : entry.owners) {
      if (owner == environment_itself || state.dists[owner].ours ||
          !stays_with_its_tool(plan, state.dists[owner]))
        continue;
      throw Error(
          ErrorCode::unsupported, Place{entry.path.str()},
          "is a link into a store that is not at hand, and another distribution needs a directory there",
          "name the store that the environment was made with (--store)");
    }
  }
}

void refuse_changed(const std::vector<RelPath>& changed) {
  std::string names;
  constexpr std::size_t max_shown = 10;
  for (std::size_t i = 1; i < changed.size() && i < max_shown; ++i)
    names += (i == 1 ? "" : ", ") + changed[i].str();
  if (changed.size() > max_shown) names += " and " + std::to_string(changed.size() - max_shown) + " more";
  throw Error(ErrorCode::conflict, Place{changed.front().str()},
              "was changed by hand" + (names.empty() ? "" : ", and so were " + names),
              "--force removes or replaces such files");
}

RemovalSurvey survey_removals(const Fd& root, const State& state, const std::vector<LaidEntry>& remove,
                              unsigned jobs) {
  std::vector<RelPath> paths;
  paths.reserve(remove.size());
  for (const LaidEntry& entry : remove) paths.push_back(entry.path);
  require_beneath(root, paths);
  struct Found {
    std::vector<RelPath> changed;
    std::set<RelPath> strangers;
    bool gone = false;
  };
  std::vector<Found> found(remove.size());
  // A thread takes longer to start than to look at a few files.
  constexpr std::size_t few_files = 200;
  std::size_t files = 0;
  for (const LaidEntry& entry : remove) {
    files += entry.kind == LaidKind::tree ? state.dists[entry.dist].facts.dir(entry.dir).subtree_files() : 1;
  }
  parallel_for(remove.size(), files < few_files ? 1 : jobs, [&](std::size_t i) {
    const LaidEntry& entry = remove[i];
    const auto status = try_lstat(root.get(), entry.path.str());
    if (!status) {
      found[i].gone = true;
      return;
    }
    const bool ours = is_ours(state, entry);
    if (entry.kind == LaidKind::tree && S_ISDIR(status->st_mode)) {
      TreeSurvey survey(root, state.dists[entry.dist].facts, entry, ours);
      survey.run();
      found[i].changed = std::move(survey.changed);
      found[i].strangers = std::move(survey.strangers);
    } else if (ours && entry.kind != LaidKind::directory &&
               !is_unchanged(root.get(), entry.path.str(), entry)) {
      found[i].changed.push_back(entry.path);
    }
  });
  RemovalSurvey result;
  std::map<std::string, std::vector<DirEntry>> listings;
  for (std::size_t i = 0; i < remove.size(); ++i) {
    if (found[i].gone) result.gone.insert(remove[i].path);
    result.changed.insert(result.changed.end(), found[i].changed.begin(), found[i].changed.end());
    result.strangers.merge(found[i].strangers);
    const bool is_file = remove[i].kind == LaidKind::file || remove[i].kind == LaidKind::link;
    if (is_file && remove[i].path.name().ends_with(".py")) {
      find_byte_code(root, remove[i].path, listings, result.byte_code);
    }
  }
  return result;
}

namespace {

bool same_content(const Fd& root, const Plan& plan, const Entry& entry, const struct stat& status) {
  if (const auto* file = std::get_if<StoreFile>(&entry.content)) {
    const FileFact& fact = plan.dists[file->wheel].facts.file(file->file);
    return S_ISREG(status.st_mode) && static_cast<std::uint64_t>(status.st_size) == fact.size &&
           digest_of_file(root.get(), entry.path.str()) == fact.sha256;
  }
  if (const auto* generated = std::get_if<Generated>(&entry.content)) {
    return S_ISREG(status.st_mode) && static_cast<std::uint64_t>(status.st_size) == generated->bytes.size() &&
           digest_of_file(root.get(), entry.path.str()) == Sha256::of(generated->bytes);
  }
  if (const auto* link = std::get_if<Symlink>(&entry.content)) {
    return S_ISLNK(status.st_mode) && try_read_link(root.get(), entry.path.str()) == link->target;
  }
  return false;
}

// Byte-code that Python wrote: nobody misses it when a recorded one takes its place.
bool is_written_by_python(const RelPath& path) {
  const auto parent = path.parent();
  return parent && is_byte_code(std::string(parent->name()), std::string(path.name()));
}

Conflict conflict_with(const Fd& root, const Plan& plan, const Entry& entry, const struct stat& status) {
  Conflict conflict{entry.path,
                    S_ISDIR(status.st_mode) ? "file-against-directory" : "existing-file",
                    {},
                    std::nullopt,
                    "something that nobody recorded is there already"};
  Claimant claimant{entry.owner == environment_itself ? "" : plan.dists[entry.owner].name, 0, {}};
  if (const auto* file = std::get_if<StoreFile>(&entry.content)) {
    const FileFact& fact = plan.dists[file->wheel].facts.file(file->file);
    claimant.size = fact.size;
    claimant.sha256 = fact.sha256.hex();
  } else if (const auto* generated = std::get_if<Generated>(&entry.content)) {
    claimant.size = generated->bytes.size();
    claimant.sha256 = Sha256::of(generated->bytes).hex();
  }
  Claimant existing{"", static_cast<std::uint64_t>(status.st_size), {}};
  if (S_ISREG(status.st_mode)) existing.sha256 = digest_of_file(root.get(), entry.path.str()).hex();
  // What is there has no place in the lock's order, so only the last can win over it. Whole directories of
  // somebody's are nothing that a policy gives away.
  const bool is_dir = S_ISDIR(status.st_mode);
  if (!is_dir && conflict_policy(plan, entry.path.str()) == ConflictPolicy::last)
    conflict.winner = claimant.distribution;
  conflict.claimants = {std::move(claimant), std::move(existing)};
  return conflict;
}

// Names as the file system compares them.
std::string folded(const RelPath& path, Names names) {
  return names == Names::folded ? ascii_lower(path.str()) : path.str();
}

bool is_out_of_the_way(const std::set<std::string>& removed, const RelPath& path, Names names) {
  if (removed.empty()) return false;
  for (std::optional<RelPath> at = path; at; at = at->parent()) {
    if (removed.contains(folded(*at, names))) return true;
  }
  return false;
}

}  // namespace

std::vector<Entry> expand_met(const Plan& plan, std::vector<Entry> result, const std::set<RelPath>& met) {
  if (met.empty()) return result;
  std::vector<Entry> expanded;
  std::vector<Entry> rest(std::make_move_iterator(result.rbegin()), std::make_move_iterator(result.rend()));
  while (!rest.empty()) {
    Entry entry = std::move(rest.back());
    rest.pop_back();
    if (std::holds_alternative<StoreTree>(entry.content) && met.contains(entry.path)) {
      std::vector<Entry> below = expand_tree(plan, entry);
      rest.insert(rest.end(), std::make_move_iterator(below.rbegin()), std::make_move_iterator(below.rend()));
    } else {
      expanded.push_back(std::move(entry));
    }
  }
  sort_unless_sorted(expanded, [](const Entry& a, const Entry& b) { return a.path < b.path; });
  return expanded;
}

AdditionSurvey survey_additions(const Fd& root, const Plan& plan, std::vector<Entry> add,
                                const std::set<RelPath>& removed, Presence& presence) {
  AdditionSurvey result;
  const Names names = plan.policy.names;
  std::set<std::string> gone;
  for (const RelPath& path : removed) gone.insert(folded(path, names));
  result.add.reserve(add.size());
  std::deque<Entry> rest(std::make_move_iterator(add.begin()), std::make_move_iterator(add.end()));
  while (!rest.empty()) {
    Entry entry = std::move(rest.front());
    rest.pop_front();
    const bool free = is_out_of_the_way(gone, entry.path, names) || !presence.type_of(entry.path.str());
    const auto status = free ? std::nullopt : try_lstat(root.get(), entry.path.str());
    const bool is_tree = std::holds_alternative<StoreTree>(entry.content);
    if (!status) {
      result.add.push_back(std::move(entry));
    } else if (S_ISDIR(status->st_mode) && is_tree) {
      result.met.insert(entry.path);
      const std::vector<Entry> below = expand_tree(plan, entry);
      rest.insert(rest.begin(), below.begin(), below.end());
    } else if ((S_ISDIR(status->st_mode) && std::holds_alternative<Directory>(entry.content)) ||
               (!is_tree && entry.lay == Lay::file && same_content(root, plan, entry, *status))) {
      continue;
    } else if (!S_ISDIR(status->st_mode) && is_written_by_python(entry.path)) {
      result.in_the_way.push_back(entry.path);
      result.add.push_back(std::move(entry));
    } else {
      Conflict conflict = conflict_with(root, plan, entry, *status);
      result.conflicts.push_back(std::move(conflict));
      result.in_the_way.push_back(entry.path);
      result.add.push_back(std::move(entry));
    }
  }
  sort_unless_sorted(result.add, [](const Entry& a, const Entry& b) { return a.path < b.path; });
  return result;
}

void require_known(const Plan& plan, const std::vector<Entry>& add) {
  for (const Entry& entry : add) {
    if (entry.owner == environment_itself || plan.dists[entry.owner].recorded) continue;
    throw Error(ErrorCode::unsupported, Place{entry.path.str()},
                "of " + plan.dists[entry.owner].name +
                    " is behind a link into a store that is not at hand, and has to be laid anew here",
                "name the store that the environment was made with (--store), without --no-store");
  }
}

}  // namespace axle
