#include "exec/transaction.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "axle/base/error.h"
#include "axle/base/rel_path.h"
#include "base/codec.h"
#include "base/file.h"
#include "base/parallel.h"
#include "exec/own_files.h"

namespace axle {
namespace {

constexpr std::string_view magic = "AXLEJNL1";

std::string encode(const TransactionPaths& paths) {
  Encoder encoder(magic);
  for (const auto* list : {&paths.create, &paths.move_aside, &paths.prune}) {
    encoder.number(list->size());
    for (const std::string& path : *list) encoder.text(path);
  }
  return encoder.finish();
}

TransactionPaths decode(std::string_view bytes, const std::string& name) {
  Decoder decoder(bytes, magic, name);
  TransactionPaths paths;
  for (auto* list : {&paths.create, &paths.move_aside, &paths.prune}) {
    const std::size_t count = decoder.count();
    for (std::size_t i = 0; i < count; ++i) list->emplace_back(RelPath::parse(decoder.text()).str());
  }
  return paths;
}

std::string trash_name(std::size_t index) { return std::string(own::trash) + "/" + std::to_string(index); }

bool exists(const Fd& root, const std::string& path) { return try_lstat(root.get(), path).has_value(); }

void sync_dir(const Fd& root, const std::string& path) {
  const Fd dir = open_dir(root.get(), path);
  if (fsync(dir.get()) != 0) throw_errno("cannot flush", path);
}

bool is_within(const std::string& path, const std::string& dir) {
  return path.starts_with(dir) && (path.size() == dir.size() || path[dir.size()] == '/');
}

void undo(const Fd& root, const TransactionPaths& paths) {
  std::vector<bool> aside(paths.move_aside.size());
  for (std::size_t i = 0; i < aside.size(); ++i) aside[i] = exists(root, trash_name(i));
  for (auto path = paths.create.rbegin(); path != paths.create.rend(); ++path) {
    bool old_is_in_place = false;
    for (std::size_t i = 0; i < aside.size(); ++i) {
      if (!aside[i] && is_within(*path, paths.move_aside[i])) old_is_in_place = true;
    }
    if (!old_is_in_place) remove_tree(root.get(), *path);
  }
  for (std::size_t i = 0; i < aside.size(); ++i) {
    if (!aside[i]) continue;
    const std::string& path = paths.move_aside[i];
    const std::size_t slash = path.rfind('/');
    if (slash != std::string::npos) make_dirs(root.get(), path.substr(0, slash));
    rename_at(root.get(), trash_name(i), root.get(), path);
  }
  remove_tree(root.get(), own::trash);
  unlink_at(root.get(), own::next_receipt);
  unlink_at(root.get(), own::journal);
}

void finish(const Fd& root, const TransactionPaths& paths, unsigned jobs) {
  if (exists(root, own::next_receipt)) rename_at(root.get(), own::next_receipt, root.get(), own::receipt);
  if (const auto trash = try_open_dir(root.get(), own::trash)) {
    std::vector<std::string> names;
    for (const DirEntry& entry : list_dir(trash->get(), ".")) names.push_back(entry.name);
    remove_trees(*trash, names, jobs);
    remove_tree(root.get(), own::trash);
  }
  for (auto path = paths.prune.rbegin(); path != paths.prune.rend(); ++path)
    remove_dir_if_empty(root.get(), *path);
  unlink_at(root.get(), own::journal_done);
}

}  // namespace

Transaction::Transaction(const Fd& root, TransactionPaths paths, TransactionOptions options)
    : root_(root), paths_(std::move(paths)), options_(options) {
  replace_file(root_.get(), own::journal, encode(paths_), {});
  if (options_.durability == Durability::durable) {
    const Fd journal = open_file(root_.get(), own::journal);
    if (fsync(journal.get()) != 0) throw_errno("cannot flush", own::journal);
    sync_dir(root_, own::directory);
  }
  try {
    if (!paths_.move_aside.empty()) make_dir(root_.get(), own::trash);
    for (std::size_t i = 0; i < paths_.move_aside.size(); ++i) {
      rename_at(root_.get(), paths_.move_aside[i], root_.get(), trash_name(i));
    }
  } catch (...) {
    undo(root_, paths_);
    throw;
  }
}

Transaction::~Transaction() {
  if (state_ == State::committed) return;
  try {
    undo(root_, paths_);
  } catch (...) {
    // The journal is still there: the next command undoes the rest.
  }
}

void Transaction::commit(const std::string& receipt) {
  if (!receipt.empty()) {
    unlink_at(root_.get(), own::next_receipt);
    create_file(root_.get(), own::next_receipt, receipt, {});
  }
  if (options_.durability == Durability::durable && syncfs(root_.get()) != 0)
    throw_errno("cannot flush", ".");
  rename_at(root_.get(), own::journal, root_.get(), own::journal_done);
  state_ = State::committed;
}

void Transaction::clean_up() {
  if (options_.durability == Durability::durable) sync_dir(root_, own::directory);
  finish(root_, paths_, options_.jobs);
}

bool needs_recovery(const Fd& root) { return exists(root, own::journal) || exists(root, own::journal_done); }

void recover_transaction(const Fd& root, TransactionOptions options) {
  if (const auto bytes = try_read_file(root.get(), own::journal_done)) {
    finish(root, decode(*bytes, own::journal_done), options.jobs);
  }
  if (const auto bytes = try_read_file(root.get(), own::journal)) undo(root, decode(*bytes, own::journal));
}

void remove_trees(const Fd& dir, const std::vector<std::string>& names, unsigned jobs) {
  // Directories in breadth-first order; each is listed and emptied of files by one task, and they are removed
  // in reverse order at the end.
  std::vector<std::string> level;
  std::vector<std::string> all;
  for (const std::string& name : names) {
    const auto status = try_lstat(dir.get(), name);
    if (!status) continue;
    if (S_ISDIR(status->st_mode)) {
      level.push_back(name);
    } else {
      unlink_at(dir.get(), name);
    }
  }
  while (!level.empty()) {
    std::vector<std::vector<std::string>> below(level.size());
    parallel_for(level.size(), jobs, [&](std::size_t i) {
      const auto status = try_lstat(dir.get(), level[i]);
      if (status && (status->st_mode & S_IRWXU) != S_IRWXU) fchmodat(dir.get(), level[i].c_str(), 0700, 0);
      const Fd self = open_dir(dir.get(), level[i]);
      for (const DirEntry& entry : list_dir(self.get(), ".")) {
        if (entry.type == DT_DIR) {
          below[i].push_back(level[i] + "/" + entry.name);
        } else {
          unlink_at(self.get(), entry.name);
        }
      }
    });
    all.insert(all.end(), level.begin(), level.end());
    level.clear();
    for (auto& paths : below) level.insert(level.end(), paths.begin(), paths.end());
  }
  for (auto path = all.rbegin(); path != all.rend(); ++path) {
    if (unlinkat(dir.get(), path->c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT) {
      throw_errno("cannot remove directory", *path);
    }
  }
}

}  // namespace axle
