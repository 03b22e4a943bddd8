#pragma once
// Making an environment what a plan says: the one place through which all change goes.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "axle/base/diagnostic.h"
#include "axle/plan/plan.h"
#include "axle/store/store.h"

namespace axle {

class Environment;
class Fd;
struct Installation;
struct ReceiptHead;

enum class HandChanged { refuse, replace };  // files of ours that somebody changed
enum class Reuse {
  keep,
  reinstall,
  repair
};  // what of the installed is laid anew: nothing, all, what is damaged

struct ApplyOptions {
  HandChanged hand_changed = HandChanged::refuse;
  Reuse reuse = Reuse::keep;
  unsigned jobs = 1;
  // Another store, with wheels that are not in the command's own: what is installed links to it, or came from
  // it. It must outlive the call.
  const Store* installed_from = nullptr;
  std::optional<std::int64_t> source_date_epoch;  // seconds
  // Called when everything is decided, before the first change: what it throws is the command's error.
  std::function<void()> last_look;
};

// The time of files that axle writes itself.
std::int64_t generated_mtime_ns(const ApplyOptions& options) noexcept;

struct ApplyResult {
  // Distributions, "name version", sorted.
  std::vector<std::string> installed;
  std::vector<std::string> removed;
  std::vector<std::string> reinstalled;
  std::size_t kept = 0;
  std::size_t paths_added = 0;  // entries: files, links, and trees as one
  std::size_t paths_removed = 0;
  std::optional<LinkMode> link_mode;  // how files came from the store; none: none came
  Diagnostics notes;
};

// Applies `plan` to the open environment. What `installed` has and the plan lacks goes. Either everything is
// done or nothing: on an error the environment is as it was. Throws Error(conflict) for files that somebody
// changed by hand and for unrecorded files in the way, Error(io), Error(interrupted).
ApplyResult apply(Environment& environment, const Installation& installed, const Plan& plan,
                  const Store& store, const ReceiptHead& head, const ApplyOptions& options);

// What apply() would do to the environment at `root` (nullptr: there is none): distributions and counts;
// touches nothing, so a link mode is taken to work where nothing known speaks against it.
ApplyResult preview(const Fd* root, const Installation& installed, const Plan& plan, const Store& store,
                    const ApplyOptions& options);

}  // namespace axle
