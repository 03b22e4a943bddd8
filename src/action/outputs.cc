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

std::string staged_name(const std::string& path) {
  const Split split = split_path(path);
  return split.parent + "." + split.name + ".axle-new";
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

}  // namespace

Outputs::~Outputs() {
  for (const File& file : files_) unlinkat(AT_FDCWD, file.staged.c_str(), 0);
  if (stage_.empty()) return;
  try {
    remove_tree(AT_FDCWD, stage_);
  } catch (const Error&) {  // the next action removes it
  }
}

// Makes the directory and locks it. One that an action left that was killed is emptied.
void Outputs::claim_stage(const std::string& path) {
  const std::string stage = staged_name(path);
  constexpr int most_tries = 100;
  for (int i = 0; i < most_tries; ++i) {
    if (mkdir(stage.c_str(), 0755) != 0 && errno != EEXIST) throw_errno("cannot create directory", stage);
    auto dir = try_open_dir_here(AT_FDCWD, stage);
    if (!dir) {
      // No directory of ours, or another action has just ended.
      unlinkat(AT_FDCWD, stage.c_str(), 0);
      continue;
    }
    if (flock(dir->get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) break;
    const auto there = try_lstat(AT_FDCWD, stage);
    struct stat locked {};
    if (fstat(dir->get(), &locked) != 0 || !there || there->st_ino != locked.st_ino) continue;
    for (const DirEntry& entry : list_dir(dir->get(), ".")) remove_tree(dir->get(), entry.name);
    stage_ = stage;
    stage_lock_ = std::move(*dir);
    return;
  }
  throw Error(ErrorCode::io, Place{path}, "is being made by another action",
              "one output belongs to one action at a time");
}

const Fd& Outputs::tree(const std::string& path) {
  const ExactModes exact;
  make_parent(path);
  claim_stage(path);
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

void Outputs::file(const std::string& path, std::string_view bytes, Mode mode) {
  const ExactModes exact;
  require_replaceable(path);  // before it is opened: a pipe would never end
  const auto there = try_open_file(AT_FDCWD, path);
  const auto status = there ? try_stat(AT_FDCWD, path) : std::nullopt;
  const bool is_program = status && (status->st_mode & 0111) != 0;
  // Bazel gives every output an x bit, so that one too many is no change.
  if (there && (is_program || mode == Mode::data) && MappedFile::map(*there, path).bytes() == bytes) return;
  make_parent(path);
  const std::string staged = staged_name(path);
  unlink_at(AT_FDCWD, staged);
  files_.push_back({path, staged});
  create_file(AT_FDCWD, staged, bytes, {mode == Mode::program ? 0755U : 0644U, std::nullopt});
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
  if (!stage_.empty()) {
    commit_tree();
    remove_tree(AT_FDCWD, stage_);
    stage_.clear();
  }
  for (auto& [path, file] : adopted_) file.publish(path);
  adopted_.clear();
  // Last, so that a stamp is never newer than what it stands for.
  for (const File& file : files_) rename_at(AT_FDCWD, file.staged, AT_FDCWD, file.path);
  files_.clear();
}

}  // namespace axle
