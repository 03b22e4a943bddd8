#include "exec/environment.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <thread>
#include <utility>

#include "axle/base/error.h"
#include "base/interrupt.h"
#include "exec/own_files.h"

namespace axle {
namespace {

struct Split {
  std::string parent;
  std::string name;
};

Split split_path(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return {".", path};
  return {slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1)};
}

std::string stage_path(const std::string& path) {
  const Split split = split_path(path);
  if (split.name.empty() || split.name == "." || split.name == "..") return {};
  return split.parent + "/." + split.name + ".axle-new";
}

bool is_mount_point(const std::string& path) {
  struct statx status {};
  if (statx(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW, 0, &status) != 0) return false;
  return (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

// Whether another directory can take the place of this empty one: no link to it, nothing mounted, and in a
// directory that may be written to. Otherwise it is changed in place.
bool can_be_replaced(const std::string& path) {
  const auto status = try_lstat(AT_FDCWD, path);
  return status && S_ISDIR(status->st_mode) && !is_mount_point(path) &&
         faccessat(AT_FDCWD, split_path(path).parent.c_str(), W_OK | X_OK, AT_EACCESS) == 0;
}

// axle's own directory, or the staging directory: nobody else puts a link there but to mislead.
Fd open_own_dir(int dir, const std::string& path) {
  auto opened = try_open_dir_here(dir, path);
  if (!opened && try_lstat(dir, path)) {
    throw Error(ErrorCode::io, Place{path}, "is no directory of axle's, and stands where it needs one",
                "look where it came from, then remove it");
  }
  return opened ? std::move(*opened) : Fd();
}

bool is_empty_dir(const std::string& path) {
  const auto dir = try_open_dir(AT_FDCWD, path);
  return dir && list_dir(*dir, path).empty();
}

// The lock of an environment whose root is open. nullopt when the root was replaced or went away meanwhile.
std::optional<Fd> take_lock(const Fd& root, const std::string& path, LockWait wait) {
  Fd lock(openat(root.get(), own::lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!lock) {
    if (errno == ENOENT) return std::nullopt;
    throw_errno("cannot open the lock of the environment", path);
  }
  while (flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) throw_errno("cannot lock the environment", path);
    if (wait == LockWait::fail) {
      throw Error(ErrorCode::io, Place{path}, "another axle is changing this environment",
                  "wait for it, or leave out --no-wait");
    }
    throw_if_interrupted();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  struct stat held {};
  const auto named = try_lstat(root.get(), own::lock);
  if (fstat(lock.get(), &held) != 0 || !named || named->st_ino != held.st_ino) return std::nullopt;
  return lock;
}

bool same_dir(const Fd& open, const std::string& path) {
  struct stat status {};
  const auto named = try_stat(AT_FDCWD, path);
  return fstat(open.get(), &status) == 0 && named && named->st_ino == status.st_ino &&
         named->st_dev == status.st_dev;
}

void flush_parent(const std::string& path) {
  const std::string parent = split_path(path).parent;
  const Fd dir = open_dir(AT_FDCWD, parent);
  if (fsync(dir.get()) != 0) throw_errno("cannot flush", parent);
}

void make_root(const std::string& path) {
  // The root's mode follows the umask; everything below has fixed modes.
  if (mkdir(path.c_str(), 0777) != 0 && errno != EEXIST) throw_errno("cannot create directory", path);
}

}  // namespace

Environment Environment::open(const std::string& path, const EnvironmentOptions& options) {
  const std::string stage = stage_path(path);
  while (true) {
    throw_if_interrupted();
    Environment environment;
    environment.path_ = path;
    environment.transaction_ = options.transaction;
    environment.keeps_receipt_ = options.own_directory == OwnDirectory::keep;
    auto root = try_open_dir(AT_FDCWD, path);
    if (!root && try_lstat(AT_FDCWD, path)) {
      throw Error(ErrorCode::io, Place{path}, "is not a directory", "name a directory for the environment");
    }
    const bool replaces = options.existing == Existing::replace && root && !is_empty_dir(path);
    if (!stage.empty() && (!root || replaces || (is_empty_dir(path) && can_be_replaced(path)))) {
      make_dirs(AT_FDCWD, split_path(path).parent);
      make_root(stage);
      try {
        root = open_own_dir(AT_FDCWD, stage);
      } catch (...) {
        rmdir(stage.c_str());
        throw;
      }
      if (!*root) continue;
      environment.stage_ = stage;
      environment.replaces_ = replaces;
    }
    if (!root) throw Error(ErrorCode::io, Place{path}, "does not exist");
    environment.root_ = std::move(*root);
    const bool had_own = try_lstat(environment.root_.get(), own::directory).has_value();
    make_dir(environment.root_.get(), own::directory);
    if (had_own) open_own_dir(environment.root_.get(), own::directory);
    environment.remove_own_directory_ = !had_own || options.own_directory == OwnDirectory::remove;
    auto lock = take_lock(environment.root_, path, options.wait);
    if (!lock || !same_dir(environment.root_, environment.is_new() ? stage : path)) {
      environment.stage_.clear();  // somebody else's by now
      environment.remove_own_directory_ = false;
      continue;
    }
    environment.lock_ = std::move(*lock);
    if (environment.is_new()) {
      // Another axle may have made the environment between the look at its place and the lock.
      if (!environment.replaces_ && try_lstat(AT_FDCWD, path) && !is_empty_dir(path)) continue;
      // What a killed command left here was never an environment.
      for (const DirEntry& entry : list_dir(environment.root_.get(), ".")) {
        if (entry.name != own::directory) remove_tree(environment.root_.get(), entry.name);
      }
    } else {
      recover_transaction(environment.root_, options.transaction);
      // Left by a command that was killed before it found that the environment had come to be meanwhile.
      if (!stage.empty() && try_lstat(AT_FDCWD, stage)) remove_tree(AT_FDCWD, stage);
    }
    return environment;
  }
}

void Environment::recover(const std::string& path, const EnvironmentOptions& options) {
  const std::string stage = stage_path(path);
  const auto root = try_open_dir(AT_FDCWD, path);
  const bool left_stage = !stage.empty() && try_lstat(AT_FDCWD, stage).has_value();
  if (left_stage || (root && needs_recovery(*root))) open(path, options);
}

void Environment::publish() {
  if (!is_new()) return;
  if (transaction_.durability == Durability::durable && syncfs(root_.get()) != 0)
    throw_errno("cannot flush", path_);
  const int failed = replaces_ ? renameat2(AT_FDCWD, stage_.c_str(), AT_FDCWD, path_.c_str(), RENAME_EXCHANGE)
                               : rename(stage_.c_str(), path_.c_str());
  if (failed != 0 && errno == EXDEV) {
    throw Error(ErrorCode::io, Place{path_},
                "cannot be replaced as a whole: it lies in a lower layer of an overlay file system",
                "remove it, and make it anew");
  }
  if (failed != 0) throw_errno("cannot put the environment in its place", path_);
  const std::string stage = std::exchange(stage_, std::string());
  if (replaces_) replaced_ = stage;
}

void Environment::clean_up() {
  if (transaction_.durability == Durability::durable) flush_parent(path_);
  if (!replaced_.empty()) remove_tree(AT_FDCWD, replaced_);
  replaced_.clear();
}

void Environment::remove_what_is_left() {
  if (is_new()) {
    remove_tree(AT_FDCWD, stage_);
  } else if (remove_own_directory_ && !needs_recovery(root_)) {
    remove_tree(root_.get(), own::directory);
  }
}

Environment::~Environment() {
  if (!root_) return;
  try {
    remove_what_is_left();
  } catch (...) {
    // The lock's name is gone, but NFS and FUSE keep an open file under another one. Who waits for the lock
    // looks at the name, so nothing is lost with it.
    lock_ = Fd();
    try {
      remove_what_is_left();
    } catch (...) {
      // The next command cleans up.
    }
  }
}

}  // namespace axle
