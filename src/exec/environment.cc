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

// Where the old environment waits while two renames replace it, on file systems that cannot exchange names.
std::string old_path(const std::string& path) {
  const Split split = split_path(path);
  if (split.name.empty() || split.name == "." || split.name == "..") return {};
  return split.parent + "/." + split.name + ".axle-old";
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

// Moves an environment out of its place, and another one into it. Between the two nothing is there, and
// whoever comes next puts the old one back.
void replace_by_two_renames(const std::string& stage, const std::string& path, const std::string& old) {
  rename_at(AT_FDCWD, path, AT_FDCWD, old);
  if (rename(stage.c_str(), path.c_str()) == 0) return;
  const int why = errno;
  rename_at(AT_FDCWD, old, AT_FDCWD, path);
  errno = why;
  throw_errno("cannot put the environment in its place", path);
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

// What a command left that was killed between the renames, or after them. Its lock is that of the old
// environment: a command that is still at it holds that one.
void recover_replaced(const std::string& path, LockWait wait) {
  const std::string old = old_path(path);
  const auto root = old.empty() ? std::nullopt : try_open_dir_here(AT_FDCWD, old);
  if (!root) return;
  make_dir(root->get(), own::directory);
  auto lock = take_lock(*root, path, wait);
  if (!lock || !same_dir(*root, old)) return;
  if (!try_lstat(AT_FDCWD, path)) return rename_at(AT_FDCWD, old, AT_FDCWD, path);
  try {
    remove_tree(AT_FDCWD, old);
  } catch (const Error&) {
    lock.reset();  // NFS and FUSE keep the open lock under another name
    remove_tree(AT_FDCWD, old);
  }
}

// What was made for an environment whose lock was not taken. Where a lock lies, it is somebody's.
void remove_if_empty(const Fd& root, const std::string& stage) {
  unlinkat(root.get(), own::directory, AT_REMOVEDIR);
  if (!stage.empty()) rmdir(stage.c_str());
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
    recover_replaced(path, options.wait);
    auto root = try_open_dir(AT_FDCWD, path);
    if (!root && try_lstat(AT_FDCWD, path)) {
      throw Error(ErrorCode::io, Place{path}, "is not a directory", "name a directory for the environment");
    }
    const bool replaces = options.existing == Existing::replace && root && !is_empty_dir(path);
    bool is_staged = false;
    if (!stage.empty() && (!root || replaces || (is_empty_dir(path) && can_be_replaced(path)))) {
      if (replaces) {
        EnvironmentOptions change = options;
        change.existing = Existing::change;
        environment.old_ = std::make_unique<Environment>(open(path, change));
      }
      make_dirs(AT_FDCWD, split_path(path).parent);
      make_root(stage);
      try {
        root = open_own_dir(AT_FDCWD, stage);
      } catch (...) {
        rmdir(stage.c_str());
        throw;
      }
      if (!*root) continue;
      is_staged = true;
    }
    if (!root) throw Error(ErrorCode::io, Place{path}, "does not exist");
    environment.root_ = std::move(*root);
    const std::string& place = is_staged ? stage : path;
    const bool had_own = try_lstat(environment.root_.get(), own::directory).has_value();
    std::optional<Fd> lock;
    try {
      make_dir(environment.root_.get(), own::directory);
      if (had_own) open_own_dir(environment.root_.get(), own::directory);
      lock = take_lock(environment.root_, path, options.wait);
    } catch (const Error& error) {
      const bool is_there = same_dir(environment.root_, place);
      if (!is_there && error.code() == ErrorCode::io) continue;  // its owner is done, or gave it up
      if (is_there) remove_if_empty(environment.root_, is_staged ? stage : std::string());
      throw;
    }
    if (!lock || !same_dir(environment.root_, place)) continue;  // somebody else's by now
    // From here on, and no sooner, it is this command's, to be removed when it fails.
    environment.lock_ = std::move(*lock);
    environment.remove_own_directory_ = !had_own || options.own_directory == OwnDirectory::remove;
    if (is_staged) {
      environment.stage_ = stage;
      environment.replaces_ = replaces;
    }
    if (environment.is_new()) {
      // Another axle may have made the environment between the look at its place and the lock.
      if (!environment.replaces_ && try_lstat(AT_FDCWD, path) && !is_empty_dir(path)) continue;
      // What a killed command left here was never an environment.
      for (const DirEntry& entry : list_dir(environment.root_.get(), ".")) {
        if (entry.name != own::directory) remove_tree(environment.root_.get(), entry.name);
      }
      for (const DirEntry& entry : list_dir(environment.root_.get(), own::directory)) {
        const std::string own_file = std::string(own::directory) + "/" + entry.name;
        if (own_file != own::lock) remove_tree(environment.root_.get(), own_file);
      }
    } else {
      recover_transaction(environment.root_, options.transaction);
      remove_leftovers(environment.root_);
      // Left by a command that was killed before it found that the environment had come to be meanwhile.
      if (!stage.empty() && try_lstat(AT_FDCWD, stage)) remove_tree(AT_FDCWD, stage);
    }
    return environment;
  }
}

void Environment::recover(const std::string& path, const EnvironmentOptions& options) {
  const std::string stage = stage_path(path);
  const auto root = try_open_dir(AT_FDCWD, path);
  const auto is_left = [](const std::string& place) {
    return !place.empty() && try_lstat(AT_FDCWD, place).has_value();
  };
  if (is_left(old_path(path)) || is_left(stage) || (root && has_journal(*root))) {
    open(path, options);
  } else if (root && needs_recovery(*root)) {
    try {
      open(path, options);
    } catch (const Error& error) {
      // Whoever only reads needs neither the lock nor the right to remove what is merely lying about.
      if (error.code() != ErrorCode::io) throw;
    }
  }
}

void Environment::flush() const {
  if (transaction_.durability == Durability::durable && syncfs(root_.get()) != 0)
    throw_errno("cannot flush", path_);
}

void Environment::publish() {
  if (!is_new()) return;
  flush();
  const int failed = replaces_ ? renameat2(AT_FDCWD, stage_.c_str(), AT_FDCWD, path_.c_str(), RENAME_EXCHANGE)
                               : rename(stage_.c_str(), path_.c_str());
  const bool cannot_exchange = errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP;
  if (failed != 0 && replaces_ && cannot_exchange) {
    replaced_ = old_path(path_);
    replace_by_two_renames(stage_, path_, replaced_);
    stage_.clear();
    return;
  }
  if (failed != 0 && errno == EXDEV) {
    throw Error(ErrorCode::io, Place{path_},
                "cannot be replaced as a whole: it lies in a lower layer of an overlay file system",
                "remove it, and make it anew");
  }
  if (failed != 0) throw_errno("cannot put the environment in its place", path_);
  const std::string stage = std::exchange(stage_, std::string());
  replaced_ = replaces_ ? stage : std::string();
}

void Environment::clean_up() {
  if (transaction_.durability == Durability::durable) flush_parent(path_);
  if (!replaced_.empty()) {
    try {
      remove_tree(AT_FDCWD, replaced_);
    } catch (const Error&) {
      old_.reset();  // NFS and FUSE keep the open lock under another name
      remove_tree(AT_FDCWD, replaced_);
    }
  }
  replaced_.clear();
}

void Environment::remove_what_is_left() {
  if (is_new()) {
    remove_tree(AT_FDCWD, stage_);
  } else if (remove_own_directory_ && !has_journal(root_)) {
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
