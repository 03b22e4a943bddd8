#pragma once
// The journal: why a killed command leaves the old environment or the new one.
//
// Problem. An environment is thousands of paths; the kernel changes one at a time, and the process may die
// between any two system calls, or any call may fail.
//
// Vocabulary. A transaction *moves aside* every path that it replaces or removes (one rename each into
// .axle/trash/N; a whole directory counts as one), *creates* the top-most new paths, and *prunes* directories
// that became empty. The *journal* (.axle/journal) names all three before the first of them happens. The
// *commit* is one rename: .axle/journal becomes .axle/journal-done.
//
// Algorithm. While .axle/journal exists, the environment is to be undone: what was created at a path whose
// old content is aside (or had none) is removed, then what is aside is renamed back. While .axle/journal-done
// exists, it is to be finished: the new receipt takes its place, the trash is emptied, empty directories go.
// Both are idempotent: each step looks at what is there, so that a kill during recovery is recovered in the
// same way.
//
// Nothing in .axle is believed to be what its name says: trash that is there before a transaction is left
// of nothing and goes, and it must be a directory, not a link to one; journalled paths behind a link that
// leads out of the environment are refused.
//
// With Durability::durable the disk sees the same order: the journal before the first effect, all effects
// before the commit, the commit before the old is destroyed, and what recovery does before the journal goes.
//
// Why it is right. Old content is either at its path or whole in the trash, since rename is atomic. New
// content exists only at journalled paths that did not exist or whose old content is aside; so undoing
// removes only what is new.

#include <string>
#include <vector>

#include "axle/base/rel_path.h"
#include "base/fd.h"

namespace axle {

enum class Durability { fast, durable };

// Paths under the root, sorted; none of a list lies within another of the same list.
struct TransactionPaths {
  std::vector<std::string> create;
  std::vector<std::string> move_aside;
  std::vector<std::string> prune;  // directories, removed at the end when they are empty, deepest first
};

// Keeps what is not within another of the list, sorted.
std::vector<std::string> topmost(std::vector<RelPath> paths);

struct TransactionOptions {
  Durability durability = Durability::fast;
  unsigned jobs = 1;
};

class Transaction {
 public:
  // Writes the journal and moves the old aside. On failure everything is as it was. `root` must outlive this.
  Transaction(const Fd& root, TransactionPaths paths, TransactionOptions options);
  // Rolls back unless committed; never throws. What could not be undone stays in the journal for the next
  // command.
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  // Commits with the new receipt ("" keeps none). Throws only before the commit point.
  void commit(const std::string& receipt);
  // Cleans up after the commit. Throws Error(io) when something could not be removed: a warning for the
  // caller.
  void clean_up();

 private:
  const Fd& root_;
  TransactionPaths paths_;
  TransactionOptions options_;
  enum class State { open, committed } state_ = State::open;
};

// Undoes or finishes what an earlier command left in this environment. The caller holds the environment's
// lock. Throws Error(bad_input) for a journal that is no journal (nothing is touched then).
void recover_transaction(const Fd& root, TransactionOptions options);

// True when there is something to recover, or to remove: what a killed command left, or what another one is
// about to.
bool needs_recovery(const Fd& root);
// True when there is a journal.
bool has_journal(const Fd& root);

// Removes what a killed command left in axle's own directory, when nothing is to be recovered any more. The
// caller holds the environment's lock.
void remove_leftovers(const Fd& root);

// Removes what is listed of `dir`, files and whole trees, on several threads.
void remove_trees(const Fd& dir, const std::vector<DirEntry>& entries, unsigned jobs);

}  // namespace axle
