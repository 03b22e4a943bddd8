#pragma once
// What the user decided, apart from what is to be installed. Values; the command line fills them.

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace axle {

enum class LinkMode { automatic, clone, hardlink, symlink, copy };
std::string_view to_string(LinkMode mode) noexcept;

// Who wins a path that two distributions claim with different bytes.
enum class ConflictPolicy { error, first, last };
struct ConflictRule {
  std::string
      glob;  // matched against the path under site-packages, or under the environment; '**' crosses '/'
  ConflictPolicy policy;
};

enum class HookPolicy { allow, warn, deny };
enum class RpathPolicy { automatic, fix, keep };
enum class Relocatable { no, yes };

// What of the wheels is left out (docs/cli.md, --prune). RECORD stays true: it does not list what is not
// there.
enum class PruneClass { tests, stubs, headers, byte_code };
std::string_view to_string(PruneClass prune_class) noexcept;
std::optional<PruneClass> parse_prune_class(std::string_view text) noexcept;
struct PruneRules {
  std::set<PruneClass> classes;
  std::vector<std::string> globs;  // matched as ConflictRule::glob
  std::vector<std::string> kept;   // globs of what stays whatever the others say
  bool empty() const noexcept { return classes.empty() && globs.empty(); }
};

struct Policy {
  LinkMode link_mode = LinkMode::automatic;
  ConflictPolicy on_conflict = ConflictPolicy::error;
  std::vector<ConflictRule> conflict_rules;  // the first that matches is used before on_conflict
  HookPolicy hooks = HookPolicy::warn;
  std::set<std::string> allowed_hooks;  // normalized distribution names
  RpathPolicy rpath = RpathPolicy::automatic;
  Relocatable relocatable = Relocatable::no;
  PruneRules prune;
};

}  // namespace axle
