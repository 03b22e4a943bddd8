#include "exec/damage.h"

#include <algorithm>
#include <numeric>

#include "base/fd.h"
#include "base/file.h"

namespace axle {

std::vector<std::uint32_t> sampled_for_link(const Plan& plan, const Entry& entry) {
  if (const auto* file = std::get_if<StoreFile>(&entry.content)) {
    const bool counts =
        !entry.path.is_within(plan.dists[file->wheel].dist_info) || entry.path.name() == "METADATA";
    return counts ? std::vector{file->file} : std::vector<std::uint32_t>();
  }
  const auto& tree = std::get<StoreTree>(entry.content);
  const WheelFacts& facts = plan.dists[tree.wheel].facts;
  const auto files = facts.files_in(facts.dir(tree.dir));
  std::vector<std::uint32_t> sampled(std::min(files.size(), sampled_files));
  if (!sampled.empty()) std::iota(sampled.begin(), sampled.end(), facts.index_of(files.front()));
  return sampled;
}

bool looks_unpacked(const struct stat& status, const FileFact& file) noexcept {
  return S_ISREG(status.st_mode) && static_cast<std::uint64_t>(status.st_size) == file.size &&
         status.st_mtime == file.mtime;
}

std::optional<std::string> find_damage(const DistTree& tree, const WheelFacts& facts) {
  for (const Scheme scheme : all_schemes) {
    const auto root = facts.root(scheme);
    if (!root) continue;
    if (auto damage = find_damage(tree, facts, *root)) return damage;
  }
  return std::nullopt;
}

std::optional<std::string> find_damage(const DistTree& tree, const WheelFacts& facts, std::uint32_t dir) {
  const std::uint32_t end = facts.dir(dir).dir_end;
  for (std::uint32_t index = dir; index < end; ++index) {
    const DirFact& here = facts.dir(index);
    const std::string path = tree.path + "/" + path_in(tree, here.scheme, facts.dir_path(index));
    const auto opened = try_open_dir(tree.dir, path);
    if (!opened) return path;
    for (const FileFact& file : facts.files_in(here)) {
      const std::string name(facts.name(file));
      const auto status = try_lstat(opened->get(), name);
      if (!status || !looks_unpacked(*status, file)) return path + "/" + name;
    }
  }
  return std::nullopt;
}

std::optional<std::string> find_damage_of_file(const DistTree& tree, const WheelFacts& facts,
                                               std::uint32_t file) {
  const FileFact& fact = facts.file(file);
  const std::string path = tree.path + "/" + path_in(tree, facts.scheme_of(fact), facts.path_of(file));
  const auto status = try_lstat(tree.dir, path);
  return status && looks_unpacked(*status, fact) ? std::nullopt : std::optional(path);
}

}  // namespace axle
