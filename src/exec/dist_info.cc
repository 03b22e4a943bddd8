#include "exec/dist_info.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "axle/base/error.h"
#include "base/fd.h"
#include "base/file.h"
#include "exec/damage.h"
#include "store/scratch.h"

namespace axle {
namespace {

constexpr const char* made_root = "dist-info";
constexpr std::int64_t made_mtime_ns = default_epoch * 1'000'000'000;

// RECORD as it was written, METADATA as it was unpacked. All else is as good as these: whoever removes or
// changes one file of a store by hand is told by `axle check`.
bool looks_made(const Plan& plan, const Entry& entry, const Trees& trees, const Store& store) {
  const std::string made = dist_info_path(entry);
  const auto record = try_lstat(store.root().get(), made + "/RECORD");
  if (!record || !S_ISREG(record->st_mode) || mtime_ns(*record) != made_mtime_ns) return false;
  const DistId id = std::get<DistInfo>(entry.content).dist;
  for (const Entry& file : plan.dists[id].dist_info_files) {
    const auto* stored = std::get_if<StoreFile>(&file.content);
    if (stored == nullptr || file.path.name() != "METADATA") continue;
    const WheelFacts& facts = plan.dists[id].facts;
    const auto status = try_stat(store.root().get(), made + "/METADATA");
    if (status && looks_unpacked(*status, facts.file(stored->file))) return true;
    if (const auto damage = find_damage_of_file(trees[id], facts, stored->file))
      store_is_damaged(*damage, "was changed or removed in the store");
  }
  return false;
}

// `to` of the store, from where `name` lies in a made directory.
std::string relative_link(const std::string& name, const std::string& to) {
  std::string link = "../../";
  for (const char c : name) link += c == '/' ? "../" : "";
  return link + to;
}

void make_in(const ScratchDirectory& staging, const Plan& plan, const Entry& entry, const Trees& trees) {
  const DistId id = std::get<DistInfo>(entry.content).dist;
  const WheelFacts& facts = plan.dists[id].facts;
  const FileLook look{0444, made_mtime_ns};
  const auto link = [&](const std::string& name, Scheme scheme, const std::string& below) {
    symlink_at(relative_link(name, trees[id].path + "/" + path_in(trees[id], scheme, below)), staging.fd(),
               name);
  };
  for (const Entry& file : plan.dists[id].dist_info_files) {
    const std::string name = file.path.str().substr(entry.path.str().size() + 1);
    if (const std::size_t slash = name.rfind('/'); slash != std::string::npos)
      make_dirs(staging.fd(), name.substr(0, slash));
    if (const auto* tree = std::get_if<StoreTree>(&file.content)) {
      link(name, facts.dir(tree->dir).scheme, facts.dir_path(tree->dir));
    } else if (const auto* stored = std::get_if<StoreFile>(&file.content)) {
      link(name, facts.scheme_of(facts.file(stored->file)), facts.path_of(stored->file));
    } else if (const auto* generated = std::get_if<Generated>(&file.content)) {
      create_file(staging.fd(), name, generated->bytes, look);
    } else {
      create_file(staging.fd(), name, render_record(plan, id, {}), look);
    }
  }
}

}  // namespace

std::string dist_info_path(const Entry& entry) {
  // Short, so that the links to it are: some file systems keep short ones in the inode.
  constexpr std::size_t key_digits = 32;
  return std::string(made_root) + "/" + entry.identity.hex().substr(0, key_digits);
}

void provide_dist_info(const Plan& plan, const Entry& entry, const Trees& trees, const Store& store) {
  if (looks_made(plan, entry, trees, store)) return;
  const int root = store.root().get();
  const std::string place = dist_info_path(entry);
  ScratchDirectory staging(store.root(), "dist-info");
  make_in(staging, plan, entry, trees);
  make_dir(root, made_root);
  if (renameat(root, staging.path().c_str(), root, place.c_str()) == 0) return staging.give_up();
  if (errno != EEXIST && errno != ENOTEMPTY) throw_errno("cannot create", place);
  // Made by another meanwhile; or what is there is damaged, and gives way without a moment in which links
  // lead nowhere.
  if (looks_made(plan, entry, trees, store)) return;
  if (renameat2(root, staging.path().c_str(), root, place.c_str(), RENAME_EXCHANGE) == 0) return;
  if (errno != EINVAL) throw_errno("cannot replace", place);
  const std::string aside = staging.path() + "-replaced";
  rename_at(root, place, root, aside);
  rename_at(root, staging.path(), root, place);
  staging.remove_instead(aside);
}

void remove_orphaned_dist_infos(const Store& store) {
  const int root = store.root().get();
  if (!try_lstat(root, made_root)) return;
  for (const DirEntry& entry : list_dir(root, made_root)) {
    const std::string place = std::string(made_root) + "/" + entry.name;
    if (!try_stat(root, place + "/METADATA")) remove_tree(root, place);
  }
}

}  // namespace axle
