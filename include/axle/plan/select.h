#pragma once
// Which packages of a lock a target gets, and which wheel of each. Pure: the answer depends on the arguments
// only, so it serves any target from any host. Thread-safe.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "axle/base/diagnostic.h"
#include "axle/base/digest.h"
#include "axle/base/error.h"
#include "axle/lock/lock.h"
#include "axle/pep/marker.h"
#include "axle/pep/tag.h"

namespace axle {

// What of the lock is wanted beside the project's own dependencies. Names in any spelling.
struct Wanted {
  std::vector<std::string> extras;
  bool all_extras = false;
  std::vector<std::string> groups;           // on, beside the defaults
  std::vector<std::string> excluded_groups;  // off, whatever else says on
  std::vector<std::string> only_groups;      // not empty: these groups and nothing else, the project's own
                                             // dependencies included
  bool default_groups = true;
  bool all_groups = false;
  // Exactly these groups are on beside the project's own dependencies, and the four members above are
  // ignored. For pylock.toml it is the whole set, as the standard has it.
  std::optional<std::vector<std::string>> exact_groups;
};

// A file that an index or a directory offers.
struct Candidate {
  std::string file_name;  // unquoted
  std::string url;        // one of url and path
  std::string path;
  std::vector<Hash> hashes;
  std::optional<std::uint64_t> size;
  std::string requires_python;  // "" when not told
  bool yanked = false;
  std::vector<Hash> checksums;  // weak ones, never compared with the lock's
  std::string fault;            // not "": why it cannot be had; an error for whoever chooses it
};

struct SelectionRequest {
  TagTarget target;  // for messages and for targets of pdm.lock
  TagSet tags;
  MarkerEnvironment environment;  // `extra`, `extras` and `dependency_groups` are set by the selection
  Wanted wanted;
  std::set<std::string> exclude;      // distributions to leave out; any spelling
  std::set<std::string> only;         // not empty: only these
  std::vector<Candidate> find_links;  // wheels to take where the lock has none that fits
};

// The request for a target, with nothing but the defaults wanted. `python_full_version` as in
// target_environment().
SelectionRequest make_selection_request(const TagTarget& target, std::string_view python_full_version = {});

// Where a package came from when it was not an index. spec: "Direct URL Data Structure".
struct DirectUrl {
  std::string url;   // without user and password; "" for a local file
  std::string path;  // as in FileRef; "" for a URL
  std::vector<Hash> hashes;
  std::string subdirectory;
};
// The JSON text of direct_url.json for an archive. `absolute_path` replaces `path`; unused when there is a
// URL.
std::string render_direct_url(const DirectUrl& direct, std::string_view absolute_path = {});

// A package that will be installed.
struct Pin {
  std::string name;              // normalized
  std::string version;           // as the lock writes it
  std::optional<FileRef> wheel;  // nullopt: the lock has no file names; see choose_candidate
  bool any_local = false;        // as LockPackage::any_local
  std::vector<Hash>
      hashes;          // without a wheel: one of these must be the archive's (empty: not pinned by hash)
  std::string index;   // the index the lock names for it, "" for none
  std::string marker;  // the condition under which the lock has it; "" for none or for several
  std::optional<DirectUrl> direct_url;
  bool requested = false;        // named by the user's own dependencies, as far as the lock tells
  std::size_t order = 0;         // of the packages in the lock
  bool from_find_links = false;  // the wheel is one of SelectionRequest::find_links, unknown to the lock
  Place place;
};

// A project whose source lies here: nothing of it is installed from a wheel.
struct LocalProject {
  std::string name;
  std::string version;
  std::string path;         // joined to the directory of the lock
  bool installable = true;  // false: a project without a package; only its dependencies count
  Place place;
};

struct Selection {
  std::vector<Pin> pins;                     // sorted by name
  std::vector<LocalProject> local_projects;  // sorted by name
  Diagnostics notes;
};

enum class ProblemKind {
  requires_python,
  extra,
  group,
  no_target,
  conflict,
  ambiguous,
  unpinned,
  unsatisfied,
  no_wheel,
};
// "requires-python", "extra", "group", "no target", "conflict", "ambiguous", "unpinned", "unsatisfied", "no
// wheel".
std::string_view to_string(ProblemKind kind) noexcept;

// One reason why a lock cannot be selected from.
struct SelectionProblem {
  ProblemKind kind = ProblemKind::no_wheel;
  std::string package;  // "" when it is about the whole lock
  std::string text;
  std::string hint;
  Place place;
};

// The selection, or all reasons why there is none, in the order of ProblemKind, then of names. Throws
// Error(bad_input) for a lock that contradicts itself (a marker that cannot be evaluated, a wheel of another
// package).
std::variant<Selection, std::vector<SelectionProblem>> try_select(const Lock& lock,
                                                                  const SelectionRequest& request);

// One error for all of them: its message begins with the kind of the first, its place and hint are the
// first's. Codes: unpinned and ambiguous bad_input, conflict conflict, all others no_match.
Error selection_error(const std::vector<SelectionProblem>& problems);

// As try_select(); throws selection_error().
Selection select(const Lock& lock, const SelectionRequest& request);

// The index of the wheel that `pin` gets: among wheels of its name and version, with one of its hashes when
// it has any, that fit the tags and whose Requires-Python the target meets; the highest version (they differ
// in local labels only, see Pin::any_local), then the best tag, the highest build, the first name. Yanked
// files count: a pin names its version. Throws Error(no_match) that says why none fits, Error(io) when the
// one that is chosen has a fault.
std::size_t choose_candidate(const Pin& pin, std::span<const Candidate> candidates,
                             const SelectionRequest& request);

// Every file that a lock names, as candidates: what another lock knows of hashes that have no names here.
std::vector<Candidate> candidates_of(const Lock& lock);

}  // namespace axle
