#pragma once
// What a lock file says, in one shape for every format. A Lock is a value: reading one decides nothing about
// a target, so one Lock serves the selection for many (axle/plan/select.h). docs/locks.md tells what of each
// format is honoured, ignored and refused.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "axle/base/diagnostic.h"
#include "axle/base/digest.h"
#include "axle/base/error.h"
#include "axle/pep/marker.h"
#include "axle/pep/specifier.h"

namespace axle {

enum class LockFormat { requirements, pylock, uv, poetry, pdm, pipfile };
// The name that --lock-format takes: "requirements", "pylock", "uv", "poetry", "pdm", "pipfile".
std::string_view to_string(LockFormat format) noexcept;

// A file that had a say in the Lock: the lock itself (always the first), what it includes, the pyproject.toml
// beside it. A caller that remembers these can tell later whether the Lock would still be the same.
struct InputFile {
  std::string path;              // as it was asked for
  std::optional<Sha256> digest;  // nullopt: it was looked for and was not there
  friend bool operator==(const InputFile&, const InputFile&) = default;
};

// A place in one of Lock::files; lines and columns count from 1, 0 means unknown.
struct LockPlace {
  std::uint32_t file = 0;
  std::uint32_t line = 0;
  std::uint32_t column = 0;
  friend bool operator==(const LockPlace&, const LockPlace&) = default;
};

// Markers are kept once for each distinct text.
using MarkerId = std::uint32_t;
inline constexpr MarkerId no_marker = 0xffffffff;  // no condition
struct LockMarker {
  std::string text;
  Marker marker;
  LockPlace place;  // where it stands first
};

// Versions that are allowed: those of any of the sets; without sets every version. Poetry's "^3.8 || 4.*"
// needs the union.
struct VersionRange {
  std::string text;  // as written
  std::vector<SpecifierSet> any_of;

  bool contains(const Version& version) const;  // pre-releases are versions like others here
};

// A file that the lock offers for a package.
struct FileRef {
  std::string name;  // the file name, unquoted, as written
  std::string url;   // "": not in the lock, or a local file
  std::string path;  // "": not a local file; else joined to the directory of the lock
  std::vector<Hash> hashes;
  std::optional<std::uint64_t> size;  // bytes
  LockPlace place;
};

// Where a package comes from.
enum class SourceKind {
  index,      // a registry: PackageSource::location is its URL, or "" for the default one
  archive,    // a URL
  file,       // a local file
  vcs,        // a repository: cannot be installed without a build
  directory,  // a directory that needs a build
  editable,   // a directory that is to be installed in place
  project,    // a project without a package of its own: only its dependencies count
};
struct PackageSource {
  SourceKind kind = SourceKind::index;
  std::string location;  // URL, or path joined to the directory of the lock
  std::string subdirectory;
  std::string revision;   // vcs: the commit
  std::string requested;  // vcs: the branch or tag that was asked for
  std::string vcs;        // "git"
};

// A dependency of a package, where the format activates packages by a walk.
struct LockEdge {
  std::string name;     // normalized
  std::string version;  // "": any that `range` allows
  std::string source;   // "": any; else PackageSource::location
  VersionRange range;
  std::vector<std::string> extras;  // of the package at its end, normalized
  MarkerId marker = no_marker;
  bool optional = false;  // poetry: only through one of the package's extras
  LockPlace place;
};
struct NamedEdges {
  std::string name;  // of an extra or a group, normalized
  std::vector<LockEdge> edges;
};

// A group of which a package is part, with the condition that holds for that group.
struct GroupMembership {
  std::string group;  // normalized
  MarkerId marker = no_marker;
};

struct AttestationIdentity {
  std::string kind;
  std::map<std::string, std::string> fields;
};

struct LockPackage {
  std::string name;     // normalized
  std::string version;  // as written; "" when the lock does not say (directories)
  PackageSource source;
  LockPlace place;

  MarkerId marker = no_marker;          // condition for the package, whatever the group
  std::vector<GroupMembership> groups;  // it is wanted when one of these is; empty: always
  VersionRange requires_python;         // checked where the format says so (pylock), used to choose in walks

  std::vector<LockEdge> dependencies;
  std::vector<NamedEdges> extra_dependencies;
  std::vector<NamedEdges> group_dependencies;

  std::vector<FileRef> wheels;
  std::optional<FileRef> sdist;
  bool files_known = true;  // false: the format has only hashes, in hash_bag, that belong to files unknown
  std::vector<Hash> hash_bag;
  bool any_local = false;  // pinned by "==" in a format without file names: "==1.0" admits 1.0+cpu, too
  bool no_binary = false;  // wheels are forbidden (--no-binary)
  bool requested = false;  // the user named it, rather than a dependency
  std::string unpinned;    // not "": why no version can be told; an error if the package is wanted
  std::vector<AttestationIdentity> attestations;
};

// A platform for which the lock was made (pdm).
struct LockTarget {
  VersionRange requires_python;
  std::string platform;        // "": any
  std::string implementation;  // "": any
  LockPlace place;
};

// Extras, groups or projects that must not be chosen together (uv).
struct ConflictMember {
  std::string package;
  std::string extra;  // one of both, or neither: the project itself
  std::string group;
};

// Where archives come from, as the lock says.
struct SourceOptions {
  std::optional<std::string> index_url;
  std::vector<std::string> extra_index_urls;
  std::vector<std::string> find_links;  // URLs, or paths joined to the directory of the file that names them
  bool no_index = false;
  bool require_hashes = false;
};

// How it is told which packages are wanted.
enum class Activation {
  each,  // each package by itself: groups and marker
  walk,  // along the edges from Lock::roots
};

struct Lock {
  LockFormat format = LockFormat::requirements;
  std::string path;  // as LockContext::path
  std::vector<InputFile> files;
  std::vector<LockMarker> markers;
  std::vector<LockPackage> packages;  // in the order of the file

  Activation activation = Activation::each;
  std::vector<std::size_t> roots;  // indices of packages
  ExtraMode extra_mode = ExtraMode::text;

  VersionRange requires_python;
  LockPlace requires_python_place;
  std::vector<LockTarget> targets;          // not empty: one of them must fit
  std::vector<MarkerId> environments;       // not empty: one of them must be true
  std::vector<std::string> extras;          // those that exist; normalized, sorted
  std::vector<std::string> groups;          // likewise, without base_group
  std::string base_group;                   // the name of what is on without asking: "main", "default", or ""
  std::vector<std::string> default_groups;  // on unless the user says otherwise; normalized, sorted
  std::vector<std::vector<ConflictMember>> conflicts;
  SourceOptions options;
  bool names_variables = false;  // ${NAME}: what the files say may be another thing next time
  Diagnostics notes;             // what was ignored, or is odd

  // The place as messages show it.
  Place place(const LockPlace& where) const;
};

}  // namespace axle
