#pragma once
// An environment opened for change: its lock held, what an earlier command left recovered.
//
// A new environment is built beside its place (.NAME.axle-new) and comes to be by one rename; an existing one
// is changed in place by a Transaction. Either way there is no moment at which it is half there for the next
// command.

#include <memory>
#include <optional>
#include <string>

#include "base/fd.h"
#include "exec/transaction.h"

namespace axle {

enum class LockWait { wait, fail };
// Whether axle's own directory stays in the environment (a venv) or goes with the command (--target).
enum class OwnDirectory { keep, remove };

// Whether what is at the path is changed, or replaced by a new environment as a whole.
enum class Existing { change, replace };

struct EnvironmentOptions {
  LockWait wait = LockWait::wait;
  Existing existing = Existing::change;
  OwnDirectory own_directory = OwnDirectory::keep;
  TransactionOptions transaction;
};

class Environment {
 public:
  // `path`: where it is on this machine, DESTDIR included. Creates the staging directory when there is
  // nothing at `path` (or an empty directory). Throws Error(io) when it cannot, or when LockWait::fail meets
  // another axle.
  static Environment open(const std::string& path, const EnvironmentOptions& options);
  // Recovers what an earlier command left at `path`, if anything. For commands that only read.
  static void recover(const std::string& path, const EnvironmentOptions& options);

  Environment(Environment&&) = default;
  Environment& operator=(Environment&&) = delete;
  // A staging directory that was not published is removed, and so is an own directory that is not to stay.
  ~Environment();

  const Fd& root() const noexcept { return root_; }
  bool is_new() const noexcept { return !stage_.empty(); }
  // With Durability::durable: brings all that is there to the disk, by whomever it was written.
  void flush() const;
  // Makes a new environment appear at its path, in the place of what it replaces.
  void publish();
  // After publish(): removes what was replaced. Throws Error(io): a warning for the caller, the next command
  // tries again.
  void clean_up();
  // Where it is now: its path, or the staging directory.
  const std::string& location() const noexcept { return stage_.empty() ? path_ : stage_; }
  const TransactionOptions& transaction_options() const noexcept { return transaction_; }
  bool keeps_receipt() const noexcept { return keeps_receipt_; }
  // The environment is to be left as an axle environment, even when it was none before.
  void keep_own_directory() noexcept { remove_own_directory_ = remove_own_directory_ && !keeps_receipt_; }

 private:
  Environment() = default;
  void remove_what_is_left();
  std::string path_;
  std::string stage_;     // "" when the environment is in its place
  std::string replaced_;  // what publish() took out of its place
  // What is to be replaced: nobody else may change it meanwhile.
  std::unique_ptr<Environment> old_;
  Fd root_;
  Fd lock_;
  TransactionOptions transaction_;
  bool keeps_receipt_ = true;
  bool replaces_ = false;
  bool remove_own_directory_ = false;
};

}  // namespace axle
