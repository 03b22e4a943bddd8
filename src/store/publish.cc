#include "store/publish.h"

#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>

#include "axle/base/error.h"
#include "base/file.h"

namespace axle {
namespace {

constexpr std::uint64_t max_facts = std::uint64_t{4} << 30;

}  // namespace

void publish(const Fd& store, ScratchDirectory& staging, const std::string& place, std::string_view facts) {
  if (renameat(store.get(), staging.path().c_str(), store.get(), place.c_str()) == 0) {
    staging.give_up();
    return;
  }
  if (errno != EEXIST && errno != ENOTEMPTY) throw_errno("cannot publish in the store", place);
  // Another process was first, with the same; or what is there is damaged, or of another version, and gives
  // way.
  if (const auto there = try_read_file(store.get(), place + "/facts", max_facts); there && *there == facts)
    return;
  const std::string aside = staging.path() + "-replaced";
  rename_at(store.get(), place, store.get(), aside);
  rename_at(store.get(), staging.path(), store.get(), place);
  staging.remove_instead(aside);
}

void block_byte_code(const Fd& tree, const std::unordered_set<std::string>& package_dirs,
                     const std::unordered_set<std::string>& dirs) {
  for (const std::string& dir : package_dirs) {
    const std::string path = dir + "/__pycache__";
    if (dirs.contains(path)) continue;  // the wheel brings its own
    if (symlinkat("/dev/null", tree.get(), path.c_str()) == 0) continue;
    // A file system without links: a file does it as well.
    if (errno != EPERM && errno != ENOSYS && errno != EOPNOTSUPP) throw_errno("cannot create", path);
    create_file(tree.get(), path, "", {});
  }
}

}  // namespace axle
