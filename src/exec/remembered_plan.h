#pragma once
// Plans of symbolic links, remembered in the store.
//
// Problem. In symlink mode ten thousand files are some hundred links. Reading the lock and the facts of every
// wheel, and deciding the same anew, takes as long as laying them; and the next fresh environment of the same
// request gets the same.
//
// What is remembered is the plan in a form that needs neither lock nor facts: links with their targets, the
// environment's own files with their bytes, RECORDs as text, and how those files of the store look that are
// looked at before they are linked. Scripts name their environment's interpreter, and RECORD has their
// digests: both are made for the interpreter at hand, so that it does not matter where an environment is.
//
// Why it is right. The key stands for all that decides but the locks' content, which is compared (`inputs`).
// What is not understood in every detail is not remembered. What goes wrong on this way is no answer: the
// caller takes the full one, which finds it again and says it.
//
// The file is STORE/v1/plans/KEY; docs/store-format.md describes it. Any may be removed at any time. Beside
// them, in STORE/v1/own, are the files of dist-infos that are the same in each environment (INSTALLER,
// REQUESTED, and RECORDs without scripts): they are laid by hard link, which takes a third of what writing
// them takes.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "axle/base/diagnostic.h"
#include "axle/plan/plan.h"
#include "axle/store/store.h"
#include "base/file.h"
#include "exec/receipt.h"

namespace axle {

// Part of a plan: all that distributions own. The environment's own files are planned where it is made.
struct RememberedParts {
  std::vector<ReceiptInput> inputs;  // what the locks were, and all that had a say
  Diagnostics notes;                 // what was said
  std::vector<Dist> dists;           // with facts that tell nothing but their names
  std::vector<Entry> entries;        // sorted; links into the store are Symlinks
  std::deque<std::string> texts;     // of RECORDs that are not as they are in the file
};

class RememberedPlan {
 public:
  // `root`: of the store. nullopt when there is none that can be read.
  static std::optional<RememberedPlan> find(const Fd& root, const Sha256& key);

  // For scripts that start this interpreter; nullopt when they would have to be of another form. The RECORDs
  // show bytes of this object. Throws Error(bad_input) for damage.
  std::optional<RememberedParts> parts(const std::string& script_interpreter) const;

  // Whether the files that a plan looks at before it links them still look as they were unpacked.
  bool is_unpacked(const Fd& store) const;

  // Writes down that the plan and these wheels of it are in use, unless that was done not long ago: who lays
  // by it reads no facts, whose times say so otherwise.
  void renew_use(const Store& store, const std::vector<Dist>& dists) const;

  // Which wheels it needs, by their names in the store, and which files beside it; nullopt when not every
  // byte is as it was written.
  struct Content {
    std::vector<Sha256> wheels;
    std::set<std::string> kept;  // paths relative to the store's root
  };
  std::optional<Content> content() const;

 private:
  RememberedPlan(MappedFile file, std::string name) : file_(std::move(file)), name_(std::move(name)) {}
  MappedFile file_;
  std::string name_;  // for errors
};

// Remembers the plan as `key`, unless something in it is not understood. `mtime_ns`: of what axle writes
// itself. Throws Error(io).
void remember_plan(const Store& store, const Sha256& key, const std::vector<ReceiptInput>& inputs,
                   const Diagnostics& notes, const Plan& plan, const std::string& script_interpreter,
                   std::int64_t mtime_ns);

}  // namespace axle
