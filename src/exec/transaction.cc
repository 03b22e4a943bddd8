#include "exec/transaction.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>

#include "axle/base/error.h"
#include "axle/base/rel_path.h"
#include "base/codec.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/parallel.h"
#include "base/sorted.h"
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
    remove_trees(*trash, list_dir(*trash, own::trash), jobs);
    remove_tree(root.get(), own::trash);
  }
  for (auto path = paths.prune.rbegin(); path != paths.prune.rend(); ++path)
    remove_dir_if_empty(root.get(), *path);
  unlink_at(root.get(), own::journal_done);
}

}  // namespace

std::vector<std::string> topmost(std::vector<RelPath> paths) {
  sort_unless_sorted(paths, std::less<>());
  std::vector<std::string> kept;
  const RelPath* last = nullptr;
  for (const RelPath& path : paths) {
    if (last != nullptr && path.is_within(*last)) continue;
    kept.push_back(path.str());
    last = &path;
  }
  return kept;
}

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

namespace {

// Directories that wait to be emptied. Whoever is free takes the one that was found last; a directory is
// removed by whoever removes the last thing in it.
class Removal {
 public:
  explicit Removal(const Fd& dir) : dir_(dir) {}

  void add(std::string path, std::size_t parent) {
    const std::lock_guard lock(mutex_);
    if (parent != none) ++nodes_[parent].below;
    nodes_.push_back({std::move(path), parent, 1});
    waiting_.push_back(nodes_.size() - 1);
    changed_.notify_one();
  }

  void work() {
    while (const Node* node = take()) {
      try {
        empty(*node);
        finish(node->index);
      } catch (...) {
        stop();
        throw;
      }
    }
  }

  static constexpr std::size_t none = static_cast<std::size_t>(-1);

 private:
  struct Node {
    std::string path;
    std::size_t parent;
    std::size_t below;  // directories in it that are still there, and one for its own files
    std::size_t index = 0;
  };

  const Node* take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return stopped_ || !waiting_.empty() || busy_ == 0; });
    if (stopped_ || waiting_.empty()) return nullptr;
    Node& node = nodes_[waiting_.back()];
    node.index = waiting_.back();
    waiting_.pop_back();
    ++busy_;
    return &node;
  }

  void empty(const Node& node) {
    const Fd self = open_for_removal(node.path);
    if (!self) return;
    for (const DirEntry& entry : list_dir(self, node.path)) {
      throw_if_interrupted();
      if (entry.type == DT_DIR) {
        add(node.path + "/" + entry.name, node.index);
      } else {
        unlink_at(self.get(), entry.name);
      }
    }
  }

  // A directory may be closed to its owner.
  Fd open_for_removal(const std::string& path) const {
    constexpr int how = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    Fd self(openat(dir_.get(), path.c_str(), how));
    if (!self && errno == EACCES && fchmodat(dir_.get(), path.c_str(), 0700, 0) == 0) {
      self = Fd(openat(dir_.get(), path.c_str(), how));
    }
    struct stat status {};
    if (!self) {
      if (errno != ENOENT) throw_errno("cannot open directory", path);
    } else if (fstat(self.get(), &status) == 0 && (status.st_mode & S_IRWXU) != S_IRWXU) {
      fchmod(self.get(), 0700);
    }
    return self;
  }

  void finish(std::size_t index) {
    std::unique_lock lock(mutex_);
    while (index != none && --nodes_[index].below == 0) {
      const Node& node = nodes_[index];
      lock.unlock();
      remove_dir(node.path);
      lock.lock();
      index = node.parent;
    }
    --busy_;
    if (busy_ == 0 && waiting_.empty()) changed_.notify_all();
  }

  void remove_dir(const std::string& path) const {
    if (unlinkat(dir_.get(), path.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT) {
      throw_errno("cannot remove directory", path);
    }
  }

  void stop() {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    --busy_;
    changed_.notify_all();
  }

  const Fd& dir_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Node> nodes_;  // references stay valid
  std::vector<std::size_t> waiting_;
  std::size_t busy_ = 0;
  bool stopped_ = false;
};

}  // namespace

void remove_trees(const Fd& dir, const std::vector<DirEntry>& entries, unsigned jobs) {
  Removal removal(dir);
  std::size_t trees = 0;
  for (const DirEntry& entry : entries) {
    if (entry.type == DT_DIR) {
      removal.add(entry.name, Removal::none);
      ++trees;
    } else {
      unlink_at(dir.get(), entry.name);
    }
  }
  const unsigned workers = static_cast<unsigned>(std::min<std::size_t>(std::max(jobs, 1U), trees));
  parallel_for(workers, workers, [&](std::size_t) { removal.work(); });
}

}  // namespace axle
