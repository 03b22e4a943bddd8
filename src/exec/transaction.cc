#include "exec/transaction.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <set>

#include "axle/base/error.h"
#include "axle/base/rel_path.h"
#include "base/codec.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/parallel.h"
#include "base/sorted.h"
#include "base/text.h"
#include "exec/own_files.h"
#include "exec/presence.h"

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

// Trash that could not be emptied.
bool is_put_by(std::string_view name) { return name.starts_with("trash-"); }

// What is in axle's own directory while no command is at work. A name that is not known here may be that of a
// version to come.
bool stays(std::string_view name) {
  for (const char* temporary : {own::journal, own::journal_done, own::next_journal, own::next_receipt,
                                own::next_facts, own::trash, own::probe, own::store}) {
    if (name == std::string_view(temporary).substr(std::string_view(own::directory).size() + 1)) return false;
  }
  return !is_put_by(name) && !name.starts_with("receipt.axle-new.");  // as earlier versions called it
}

bool is_at_or_below(const std::string& path, const std::set<std::string>& dirs) {
  if (dirs.empty()) return false;
  const std::string folded = ascii_lower(path);
  if (dirs.contains(folded)) return true;
  for (std::size_t slash = folded.find('/'); slash != std::string::npos;
       slash = folded.find('/', slash + 1)) {
    if (dirs.contains(folded.substr(0, slash))) return true;
  }
  return false;
}

void sync_all(const Fd& root) {
  if (syncfs(root.get()) != 0) throw_errno("cannot flush", ".");
}

// A file that nobody may remove (an immutable one, one of another machine) must not stop all that comes
// after. Its directory could be moved, so the trash can.
void put_trash_by(const Fd& root) {
  for (std::size_t i = 0;; ++i) {
    const std::string place = std::string(own::trash) + "-" + std::to_string(i);
    if (exists(root, place)) continue;
    return rename_at(root.get(), own::trash, root.get(), place);
  }
}

// Why not all of it could be removed: it is put by then, and each later command tries again.
std::exception_ptr empty_trash(const Fd& root, unsigned jobs) {
  const auto trash = try_open_dir_here(root.get(), own::trash);
  if (!trash) return nullptr;
  try {
    remove_trees(*trash, list_dir(*trash, own::trash), jobs);
    remove_tree(root.get(), own::trash);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::io) throw;
    put_trash_by(root);
    return std::current_exception();
  }
  return nullptr;
}

// Trash that is there already belongs to no journal.
void make_trash(const Fd& root) {
  if (mkdirat(root.get(), own::trash, 0755) == 0) return;
  if (errno != EEXIST) throw_errno("cannot create directory", own::trash);
  empty_trash(root, 1);
  remove_tree(root.get(), own::trash);  // no directory
  if (mkdirat(root.get(), own::trash, 0755) != 0) throw_errno("cannot create directory", own::trash);
}

void write_journal(const Fd& root, const TransactionPaths& paths, Durability durability) {
  FileLook look;
  if (durability == Durability::durable) look.flush = FileLook::Flush::yes;
  unlink_at(root.get(), own::next_journal);
  create_file(root.get(), own::next_journal, encode(paths), look);
  rename_at(root.get(), own::next_journal, root.get(), own::journal);
  if (durability != Durability::durable) return;
  sync_dir(root, own::directory);
  sync_dir(root, ".");
}

void undo(const Fd& root, const TransactionPaths& paths, Durability durability) {
  std::vector<bool> aside(paths.move_aside.size());
  std::set<std::string> in_place;  // where names may be compared without case, two spellings are one place
  for (std::size_t i = 0; i < aside.size(); ++i) {
    aside[i] = exists(root, trash_name(i));
    if (!aside[i]) in_place.insert(ascii_lower(paths.move_aside[i]));
  }
  // By its listing: a name that is only found in another spelling is not what was created.
  Presence presence(root, Names::exact);
  for (auto path = paths.create.rbegin(); path != paths.create.rend(); ++path) {
    if (!is_at_or_below(*path, in_place) && presence.type_of(*path)) remove_tree(root.get(), *path);
  }
  for (std::size_t i = 0; i < aside.size(); ++i) {
    if (!aside[i]) continue;
    const std::string& path = paths.move_aside[i];
    const std::size_t slash = path.rfind('/');
    if (slash != std::string::npos) make_dirs(root.get(), path.substr(0, slash));
    rename_at(root.get(), trash_name(i), root.get(), path);
  }
  if (durability == Durability::durable) sync_all(root);
  remove_tree(root.get(), own::trash);
  unlink_at(root.get(), own::next_receipt);
  unlink_at(root.get(), own::next_journal);
  unlink_at(root.get(), own::journal);
}

// Gives what empty_trash() gives.
std::exception_ptr finish(const Fd& root, const TransactionPaths& paths, const TransactionOptions& options) {
  if (exists(root, own::next_receipt)) rename_at(root.get(), own::next_receipt, root.get(), own::receipt);
  if (options.durability == Durability::durable) sync_dir(root, own::directory);
  std::exception_ptr failed = empty_trash(root, options.jobs);
  for (auto path = paths.prune.rbegin(); path != paths.prune.rend(); ++path)
    remove_dir_if_empty(root.get(), *path);
  unlink_at(root.get(), own::journal_done);
  return failed;
}

// What is to be recovered, if it can be without leaving the environment.
std::optional<TransactionPaths> read_journal(const Fd& root, const char* name) {
  const auto bytes = try_read_file(root.get(), name);
  if (!bytes) return std::nullopt;
  TransactionPaths paths = decode(*bytes, name);
  for (const auto* list : {&paths.create, &paths.move_aside, &paths.prune}) {
    for (const std::string& path : *list) {
      const std::size_t slash = path.rfind('/');
      if (slash != std::string::npos) try_open_dir_beneath(root.get(), path.substr(0, slash));
    }
  }
  const auto trash = try_lstat(root.get(), own::trash);
  if (trash && !S_ISDIR(trash->st_mode)) {
    throw Error(ErrorCode::bad_input, Place{own::trash}, "is no directory, so nothing of it can be put back",
                "something else than axle wrote into .axle; make the environment anew");
  }
  return paths;
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
  try {
    if (!paths_.move_aside.empty()) make_trash(root_);
    write_journal(root_, paths_, options_.durability);
    for (std::size_t i = 0; i < paths_.move_aside.size(); ++i) {
      rename_at(root_.get(), paths_.move_aside[i], root_.get(), trash_name(i));
    }
  } catch (...) {
    undo(root_, paths_, options_.durability);
    throw;
  }
}

Transaction::~Transaction() {
  if (state_ == State::committed) return;
  try {
    undo(root_, paths_, options_.durability);
  } catch (...) {
    // The journal is still there: the next command undoes the rest.
  }
}

void Transaction::commit(const std::string& receipt) {
  unlink_at(root_.get(), own::next_receipt);
  if (!receipt.empty()) create_file(root_.get(), own::next_receipt, receipt, {});
  if (options_.durability == Durability::durable) sync_all(root_);
  rename_at(root_.get(), own::journal, root_.get(), own::journal_done);
  state_ = State::committed;
}

void Transaction::clean_up() {
  if (options_.durability == Durability::durable) sync_dir(root_, own::directory);
  if (const std::exception_ptr failed = finish(root_, paths_, options_)) std::rethrow_exception(failed);
}

bool has_journal(const Fd& root) { return exists(root, own::journal) || exists(root, own::journal_done); }

bool needs_recovery(const Fd& root) {
  const auto own = try_open_dir_here(root.get(), own::directory);
  if (!own) return false;
  const std::vector<DirEntry> entries = list_dir(*own, own::directory);
  return std::any_of(entries.begin(), entries.end(),
                     [](const DirEntry& entry) { return !stays(entry.name); });
}

void remove_leftovers(const Fd& root) {
  const auto own = try_open_dir_here(root.get(), own::directory);
  if (!own) return;
  for (const DirEntry& entry : list_dir(*own, own::directory)) {
    if (stays(entry.name)) continue;
    try {
      remove_tree(own->get(), entry.name);
    } catch (const Error& error) {
      const bool is_trash = entry.name == "trash" || is_put_by(entry.name);
      if (!is_trash || error.code() != ErrorCode::io) throw;
    }
  }
}

void recover_transaction(const Fd& root, TransactionOptions options) {
  if (const auto paths = read_journal(root, own::journal_done)) finish(root, *paths, options);
  if (const auto paths = read_journal(root, own::journal)) undo(root, *paths, options.durability);
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
        remove(self, entry.name, node.path);
      }
    }
  }

  static void remove(const Fd& dir, const std::string& name, const std::string& path) {
    if (unlinkat(dir.get(), name.c_str(), 0) != 0 && errno != ENOENT)
      throw_errno("cannot remove", std::string(own::trash) + "/" + path + "/" + name);
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
