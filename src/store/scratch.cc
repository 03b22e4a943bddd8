#include "store/scratch.h"

#include <dirent.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "axle/base/error.h"

namespace axle {

ScratchDirectory::ScratchDirectory(const Fd& store, std::string_view prefix) : store_(store) {
  static std::atomic<unsigned> counter{0};
  while (true) {
    path_ = "tmp/" + std::string(prefix) + "-" + std::to_string(getpid()) + "-" + std::to_string(counter++);
    if (mkdirat(store.get(), path_.c_str(), 0755) != 0) {
      if (errno == EEXIST) continue;
      throw_errno("cannot create", path_);
    }
    auto fd = try_open_dir(store.get(), path_);
    if (!fd) continue;
    flock(fd->get(), LOCK_SH);
    // Between its making and its lock somebody may have taken it for abandoned.
    struct stat status {};
    if (fstat(fd->get(), &status) != 0 || status.st_nlink == 0) continue;
    fd_ = std::move(*fd);
    return;
  }
}

ScratchDirectory::~ScratchDirectory() {
  try {
    if (!path_.empty()) remove_tree(store_.get(), path_);
  } catch (const Error&) {
    // The next command removes it.
  }
}

void remove_abandoned(const Fd& store) {
  for (const DirEntry& entry : list_dir(store.get(), "tmp")) {
    if (entry.type != DT_DIR) continue;
    const std::string path = "tmp/" + entry.name;
    try {
      const auto fd = try_open_dir(store.get(), path);
      if (fd && flock(fd->get(), LOCK_EX | LOCK_NB) == 0) remove_tree(store.get(), path);
    } catch (const Error&) {
      // Somebody else is removing it, or nobody can: it takes room and harms nothing.
    }
  }
}

}  // namespace axle
