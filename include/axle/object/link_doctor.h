#pragma once
// Which library every need of every object would get, decided from a description of the tree before it
// exists, as the loader of the target would decide it. Pure. Rules: ld.so(8), dlopen(3), glibc elf/dl-load.c,
// musl ldso/dynlink.c, dyld's @-paths, Windows LOAD_LIBRARY_SEARCH_*; docs/native.md has them side by side.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "axle/base/diagnostic.h"
#include "axle/object/object_facts.h"

namespace axle {

// Paths are '/'-separated and without "." or ".."; relative ones are relative to the root of the tree. A tree
// that links into a store names the store's directories by absolute paths.
struct LinkObject {
  std::string path;          // by which it is opened: the loader takes $ORIGIN from it
  std::string distribution;  // "" for none
  const ObjectFacts* facts = nullptr;
};

// A symbolic link, to a directory or to one file. `target` is absolute, or relative to the root of the tree
// (not to the link).
struct LinkedPath {
  std::string path;
  std::string target;
};

struct LinkTree {
  std::string root{};  // the absolute place that the tree will have, "" when unknown
  std::vector<LinkObject> objects{};
  std::vector<LinkedPath> links{};  // none: everything is copied, cloned or hardlinked
  // Which distribution requires which (normalized names): what is required can have been imported before.
  std::vector<std::pair<std::string, std::string>> requires_edges{};
};

struct LinkPolicy {
  enum class Loader { glibc, musl, dyld, windows };

  Loader loader = Loader::glibc;
  std::string machine{};       // as ObjectFacts::machine{}; "" accepts all
  int bits = 0;                // 0 accepts all
  std::string libc_version{};  // of the target: glibc "2.28", macOS "14.0"; "" is not compared
  // What the interpreter has loaded itself (the names it needs, its own libpython), and its own DT_RPATH
  // entries, expanded.
  std::vector<std::string> program_libraries{};
  std::vector<std::string> program_rpaths{};
  // Directories searched after an object's own paths: the system's that lie in the tree, or on Windows those
  // that are given to os.add_dll_directory.
  std::vector<std::string> extra_dirs{};
  // The names that the target system is known to have (a sysroot, ldconfig -p). Without, tables tell what is
  // expected.
  std::optional<std::vector<std::string>> system_libraries{};
  std::string lib_token = "lib64";  // what $LIB stands for
};

struct LinkVerdict {
  enum class Kind {
    found,           // by the object's own paths, or loaded already by another need of its own
    inherited,       // only through the paths of those that load it
    interpreter,     // the interpreter has it loaded
    system,          // part of the target system, and known or sure to be there
    expected,        // from the system, when the package is installed: libGL.so.1
    driver,          // from a device driver: libcuda.so.1
    preloaded,       // only if Python code loads it first: a required distribution has it, out of reach
    out_of_reach,    // in the tree, and no path leads to it
    broken_by_link,  // a path would lead to it, were a directory on the way not a symbolic link
    wrong_machine,   // found, but for another machine
    libc_too_old,    // `name` is a version, "GLIBC_2.34", newer than the target's
    not_found,
  };

  std::size_t object = 0;  // index into LinkTree::objects
  std::string name;        // what is needed
  Kind kind = Kind::not_found;
  std::optional<std::size_t> provider;  // the object that is, or could be, loaded
  std::string by;                       // the path entry, or in words what found it
  // inherited: from the object whose paths find it down to the one that needs it.
  std::vector<std::size_t> chain;
  // out_of_reach, preloaded: the entry that would reach it ("$ORIGIN/../b/lib"); on Windows the directory for
  // os.add_dll_directory. "" when none can.
  std::string fix;
  std::vector<std::string> crossed;   // broken_by_link: the links that ".." leads out of
  std::vector<std::string> searched;  // the directories, in order, when it was not found
  std::string package;                // expected, driver: "Debian libgl1, RPM libglvnd-glx"

  friend bool operator==(const LinkVerdict&, const LinkVerdict&) = default;
};

// A path entry that should not be in a library that is given to others.
struct SuspiciousPath {
  enum class Kind { empty, relative, world_writable, build_machine, absolute };

  std::size_t object = 0;
  std::string entry;
  Kind kind = Kind::absolute;

  friend bool operator==(const SuspiciousPath&, const SuspiciousPath&) = default;
};

struct LinkReport {
  std::vector<LinkVerdict> verdicts;  // by object, then in order of its needs
  std::vector<SuspiciousPath> suspicious;
  std::vector<std::size_t> foreign;  // objects of another format or machine, which were left out
  std::vector<std::size_t> damaged;  // objects whose facts have an error, left out too

  friend bool operator==(const LinkReport&, const LinkReport&) = default;
};

// Every object is taken as a root of its own, as dlopen of it in a fresh interpreter would, and as what its
// loaders make of it. The result does not depend on the order of the links. Never throws for what objects
// say.
LinkReport find_links(const LinkTree& tree, const LinkPolicy& policy);

// Whether a need with this verdict will be met: found, inherited, interpreter, system; expected, driver and
// preloaded may be (warnings); the others will not (errors).
Severity severity_of(LinkVerdict::Kind kind) noexcept;
std::string_view to_string(LinkVerdict::Kind kind) noexcept;     // "out-of-reach", ...
std::string_view to_string(SuspiciousPath::Kind kind) noexcept;  // "world-writable", ...

// The report as findings for people: errors and warnings, and notes for suspicious paths; verdicts that are
// fine are left out. `kind` is "native-" and the kind's name.
Diagnostics render_links(const LinkTree& tree, const LinkReport& report);

// The directories that must be real ones, because a path that leads to the libraries of another distribution,
// or to a directory that it shares, goes up from them by "..". Of a tree without links. Sorted.
std::vector<std::string> find_crossing_directories(const LinkTree& tree, const LinkPolicy& policy);

// The list that the object should have so that what is out of reach is found: its own entries, then the fixes
// of its verdicts. nullopt when nothing is to be added or no entry would help.
std::optional<std::vector<std::string>> find_repaired_rpaths(const LinkTree& tree, const LinkReport& report,
                                                             std::size_t object);

// What is known of a library of Linux systems by its soname.
struct SystemLibrary {
  enum class Kind { base, common, driver };  // in every manylinux system; packaged; with a device driver
  Kind kind = Kind::common;
  std::string_view debian;  // package names, "" when unknown
  std::string_view rpm;
};
std::optional<SystemLibrary> find_system_library(std::string_view soname);

}  // namespace axle
