#include "action/outputs.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

#include "axle/base/error.h"
#include "base/file.h"

namespace axle {
namespace {

struct Split {
  std::string parent;  // with its slash, or ""
  std::string name;
};

Split split_path(const std::string& path) {
  std::string trimmed = path;
  while (trimmed.size() > 1 && trimmed.ends_with('/')) trimmed.pop_back();
  const std::size_t slash = trimmed.rfind('/');
  Split split{slash == std::string::npos ? "" : trimmed.substr(0, slash + 1),
              slash == std::string::npos ? trimmed : trimmed.substr(slash + 1)};
  if (split.name.empty() || split.name == "." || split.name == "..") {
    throw Error(ErrorCode::usage, Place{path}, "cannot be an output", "name a file or directory to be made");
  }
  return split;
}

// Where an output is until it is complete. `number` 0 is the usual name; the others are for actions that make
// the same output meanwhile.
std::string staged_name(const std::string& path, int number = 0) {
  const Split split = split_path(path);
  return split.parent + "." + split.name + ".axle-new" + (number == 0 ? "" : "-" + std::to_string(number));
}

void make_parent(const std::string& path) {
  const Split split = split_path(path);
  if (split.parent.size() > 1) make_dirs(AT_FDCWD, split.parent.substr(0, split.parent.size() - 1));
}

bool same_bytes(int a_dir, int b_dir, const std::string& name) {
  const Fd a = open_file(a_dir, name);
  const Fd b = open_file(b_dir, name);
  return MappedFile::map(a, name).bytes() == MappedFile::map(b, name).bytes();
}

// Compares an old tree with the new one; each file that did not change is put into the new one as it is, with
// its time. Returns whether all is equal.
bool adopt_unchanged(int old_dir, int new_dir) {
  const std::vector<DirEntry> old_entries = list_dir(old_dir, ".");
  const std::vector<DirEntry> new_entries = list_dir(new_dir, ".");
  bool equal = old_entries.size() == new_entries.size();
  auto old_entry = old_entries.begin();
  for (const DirEntry& entry : new_entries) {
    while (old_entry != old_entries.end() && old_entry->name < entry.name) ++old_entry;
    if (old_entry == old_entries.end() || old_entry->name != entry.name || old_entry->type != entry.type) {
      equal = false;
      continue;
    }
    const std::string& name = entry.name;
    if (entry.type == DT_DIR) {
      const Fd old_sub = open_dir(old_dir, name);
      const Fd new_sub = open_dir(new_dir, name);
      if (!adopt_unchanged(old_sub.get(), new_sub.get())) equal = false;
    } else if (entry.type == DT_LNK) {
      if (read_link(old_dir, name) != read_link(new_dir, name)) equal = false;
    } else if (entry.type == DT_REG) {
      const auto old_status = try_lstat(old_dir, name);
      const auto new_status = try_lstat(new_dir, name);
      if (!old_status || !new_status || old_status->st_size != new_status->st_size ||
          (old_status->st_mode & 0111) != (new_status->st_mode & 0111) ||
          !same_bytes(old_dir, new_dir, name)) {
        equal = false;
        continue;
      }
      if (old_status->st_ino == new_status->st_ino) continue;
      const std::string kept = name + ".axle-kept";
      // A file that cannot be linked is simply new.
      if (linkat(old_dir, name.c_str(), new_dir, kept.c_str(), 0) == 0)
        rename_at(new_dir, kept, new_dir, name);
    } else {
      equal = false;
    }
  }
  return equal;
}

// What is locked is what has the name. Another action may have taken it away in between.
bool still_has(const Fd& file, const std::string& name) {
  const auto there = try_lstat(AT_FDCWD, name);
  struct stat locked {};
  return there && fstat(file.get(), &locked) == 0 && locked.st_ino == there->st_ino &&
         locked.st_dev == there->st_dev;
}

constexpr int most_tries = 100;

// Makes the directory and locks it. One that an action left that was killed is emptied. nullopt: another
// action has it.
std::optional<Fd> claim_dir(const std::string& stage) {
  for (int i = 0; i < most_tries; ++i) {
    if (mkdir(stage.c_str(), 0755) != 0 && errno != EEXIST) throw_errno("cannot create directory", stage);
    auto dir = try_open_dir_here(AT_FDCWD, stage);
    if (!dir) {
      // No directory of ours, or another action has just ended.
      unlinkat(AT_FDCWD, stage.c_str(), 0);
      continue;
    }
    if (flock(dir->get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) break;
    if (!still_has(*dir, stage)) continue;
    for (const DirEntry& entry : list_dir(dir->get(), ".")) remove_tree(dir->get(), entry.name);
    return dir;
  }
  return std::nullopt;
}

// Makes a new file and locks it. One that an action left that was killed makes way: nobody holds its lock.
// nullopt: another action has it.
std::optional<Fd> claim_file(const std::string& staged, mode_t mode) {
  for (int i = 0; i < most_tries; ++i) {
    Fd made(::open(staged.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode));
    if (!made && errno != EEXIST) throw_errno("cannot create", staged);
    if (made) {
      // Between being made and being locked it can be taken for a left one.
      const bool lost = flock(made.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
      if (!lost && still_has(made, staged)) return made;
      continue;
    }
    const auto left = try_open_file(AT_FDCWD, staged);
    if (!left) continue;
    if (flock(left->get(), LOCK_EX | LOCK_NB) != 0) return std::nullopt;
    if (still_has(*left, staged)) unlink_at(AT_FDCWD, staged);
  }
  return std::nullopt;
}

}  // namespace

Outputs::~Outputs() {
  for (const File& file : files_) unlinkat(AT_FDCWD, file.staged.c_str(), 0);
  if (stage_.empty()) return;
  try {
    remove_tree(AT_FDCWD, stage_);
  } catch (const Error&) {  // the next action removes it
  }
}

const Fd& Outputs::tree(const std::string& path) {
  const ExactModes exact;
  make_parent(path);
  auto lock = claim_dir(staged_name(path));
  if (!lock) {
    throw Error(ErrorCode::io, Place{path}, "is being made by another action",
                "one output belongs to one action at a time");
  }
  stage_ = staged_name(path);
  stage_lock_ = std::move(*lock);
  tree_path_ = path;
  while (tree_path_.size() > 1 && tree_path_.ends_with('/')) tree_path_.pop_back();
  make_dir(AT_FDCWD, stage_ + "/tree");
  tree_ = open_dir(AT_FDCWD, stage_ + "/tree");
  return tree_;
}

const Fd& Outputs::scratch() {
  if (scratch_) return scratch_;
  make_dir(AT_FDCWD, stage_ + "/scratch");
  scratch_ = open_dir(AT_FDCWD, stage_ + "/scratch");
  return scratch_;
}

std::string Outputs::staged_scratch() {
  scratch();
  return stage_ + "/scratch";
}

std::string Outputs::room_beside(const std::string& path) {
  const ExactModes exact;
  make_parent(path);
  for (int number = 0; number < most_tries; ++number) {
    auto lock = claim_dir(staged_name(path, number));
    if (!lock) continue;
    stage_ = staged_name(path, number);
    stage_lock_ = std::move(*lock);
    return stage_;
  }
  throw Error(ErrorCode::io, Place{path}, "is being made by too many actions");
}

void Outputs::file(const std::string& path, std::string_view bytes, Mode mode) {
  const ExactModes exact;
  require_replaceable(path);  // before it is opened: a pipe would never end
  const auto there = try_open_file(AT_FDCWD, path);
  const auto status = there ? try_stat(AT_FDCWD, path) : std::nullopt;
  const bool is_program = status && (status->st_mode & 0111) != 0;
  // Bazel gives every output an x bit, so that one too many is no change.
  if (there && (is_program || mode == Mode::data) && MappedFile::map(*there, path).bytes() == bytes) return;
  make_parent(path);
  for (int number = 0; number < most_tries; ++number) {
    const std::string staged = staged_name(path, number);
    auto made = claim_file(staged, mode == Mode::program ? 0755 : 0644);
    if (!made) continue;
    files_.push_back({path, staged, std::move(*made)});
    write_all(files_.back().lock, bytes, staged);
    return;
  }
  throw Error(ErrorCode::io, Place{path}, "is being made by too many actions");
}

void Outputs::adopt(const std::string& path, TemporaryFile file) {
  require_replaceable(path);
  const auto there = MappedFile::try_open(AT_FDCWD, path);
  if (there && there->bytes() == MappedFile::open(AT_FDCWD, file.path()).bytes()) return;
  adopted_.emplace_back(path, std::move(file));
}

void Outputs::commit_tree() {
  const std::string staged = stage_ + "/tree";
  if (rename(staged.c_str(), tree_path_.c_str()) == 0) return;
  const int error = errno;
  const auto old = error == ENOTEMPTY || error == EEXIST || error == EACCES
                       ? try_open_dir(AT_FDCWD, tree_path_)
                       : std::nullopt;
  if (!old) {
    errno = error;
    throw_errno("cannot put the tree in its place", tree_path_);
  }
  if (adopt_unchanged(old->get(), tree_.get())) return;
  // A read-only directory, as build systems make their outputs, is not moved.
  struct stat status {};
  if (fstat(old->get(), &status) == 0 && (status.st_mode & S_IWUSR) == 0)
    fchmod(old->get(), (status.st_mode & 07777) | S_IWUSR);
  if (renameat2(AT_FDCWD, staged.c_str(), AT_FDCWD, tree_path_.c_str(), RENAME_EXCHANGE) == 0) return;
  if (errno != EINVAL && errno != ENOSYS) throw_errno("cannot put the tree in its place", tree_path_);
  // This file system cannot exchange: for a moment there is no tree.
  rename_at(AT_FDCWD, tree_path_, AT_FDCWD, stage_ + "/old");
  rename_at(AT_FDCWD, staged, AT_FDCWD, tree_path_);
}

void Outputs::commit() {
  if (!tree_path_.empty()) commit_tree();
  for (auto& [path, file] : adopted_) file.publish(path);
  adopted_.clear();
  if (!stage_.empty()) {
    remove_tree(AT_FDCWD, stage_);
    stage_.clear();
  }
  // Last, so that a stamp is never newer than what it stands for.
  for (const File& file : files_) rename_at(AT_FDCWD, file.staged, AT_FDCWD, file.path);
  files_.clear();
}

}  // namespace axle
