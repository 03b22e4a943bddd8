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

// What starts an entry point: a script with the interpreter's path in its first line (or, where the kernel
// does not take that, a script for /bin/sh); a script for /bin/sh that finds the interpreter beside itself; a
// program that does. Windows targets always have programs.
enum class LauncherKind { script, sh, native };
std::string_view to_string(LauncherKind kind) noexcept;

// A variable that a native launcher sets for what it starts, sets unless it is set, or takes away.
struct EnvironmentChange {
  enum class Kind { set, set_default, unset };
  Kind kind = Kind::set;
  std::string name;
  std::string value;  // "$ORIGIN" in it is the launcher's directory

  friend bool operator==(const EnvironmentChange&, const EnvironmentChange&) = default;
};

struct LauncherPolicy {
  LauncherKind kind = LauncherKind::script;
  std::vector<std::string> flags;              // of the interpreter, a word each: "-I", "-X", "utf8"
  std::vector<EnvironmentChange> environment;  // native launchers only

  friend bool operator==(const LauncherPolicy&, const LauncherPolicy&) = default;
};
// The policy as a text that the other takes back; "" is the default. What cannot be understood is the
// default.
std::string render_launcher_policy(const LauncherPolicy& policy);
LauncherPolicy parse_launcher_policy(std::string_view text);

// How the target's file system compares names.
enum class Names { exact, folded };

struct Policy {
  LinkMode link_mode = LinkMode::automatic;
  ConflictPolicy on_conflict = ConflictPolicy::error;
  std::vector<ConflictRule> conflict_rules;  // the first that matches is used before on_conflict
  HookPolicy hooks = HookPolicy::warn;
  std::set<std::string> allowed_hooks;  // normalized distribution names
  RpathPolicy rpath = RpathPolicy::automatic;
  Relocatable relocatable = Relocatable::no;
  Names names = Names::exact;
  PruneRules prune;
  LauncherPolicy launcher;
};

}  // namespace axle
