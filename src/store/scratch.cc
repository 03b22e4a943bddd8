#include "store/scratch.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "axle/base/error.h"
#include "base/file.h"

namespace axle {
namespace {

constexpr std::string_view new_file = "new-";

}  // namespace

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

void replace_stored(const Fd& store, const std::string& path, std::string_view bytes) {
  static std::atomic<unsigned> counter{0};
  while (true) {
    const std::string temporary =
        "tmp/" + std::string(new_file) + std::to_string(getpid()) + "-" + std::to_string(counter++);
    const Fd fd(openat(store.get(), temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
    if (!fd && errno == EEXIST) continue;
    if (!fd) throw_errno("cannot create", temporary);
    flock(fd.get(), LOCK_SH);
    struct stat status {};
    if (fstat(fd.get(), &status) != 0 || status.st_nlink == 0) continue;  // taken for abandoned
    try {
      write_all(fd, bytes, temporary);
      if (fchmod(fd.get(), 0644) != 0) throw_errno("cannot set the mode of", temporary);
      rename_at(store.get(), temporary, store.get(), path);
    } catch (...) {
      unlinkat(store.get(), temporary.c_str(), 0);
      throw;
    }
    return;
  }
}

void remove_abandoned(const Fd& store) {
  for (const DirEntry& entry : list_dir(store.get(), "tmp")) {
    if (entry.type == DT_REG && entry.name.starts_with(new_file)) {
      const std::string path = "tmp/" + entry.name;
      const Fd fd(openat(store.get(), path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
      if (fd && flock(fd.get(), LOCK_EX | LOCK_NB) == 0) unlinkat(store.get(), path.c_str(), 0);
    }
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
