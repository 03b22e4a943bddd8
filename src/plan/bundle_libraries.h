#pragma once
// What a bundle's native objects need from outside, what of that is taken along, and what rpaths make it be
// found. Decided from facts; the machine's libraries are asked for by name. Pure but for what `find` does.

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "axle/object/object_facts.h"

namespace axle {

// Where libraries that were taken along lie in a bundle, and those of the C library when it goes along too.
inline constexpr std::string_view bundle_library_dir = "lib/axle";
inline constexpr std::string_view bundle_libc_dir = "lib/axle/libc";

// A native object of the bundle, at the path by which it is opened.
struct BundleObject {
  std::string path;
  ObjectFacts facts;
  bool is_tree = false;  // of the interpreter's tree or taken along: rpaths that name this machine go
};

// A library of this machine: its real path and facts.
struct MachineLibrary {
  std::string path;
  ObjectFacts facts;
};
// The library of that name for the machine and word size of `wanted`; nullopt when there is none.
using FindLibrary =
    std::function<std::optional<MachineLibrary>(const std::string& name, const ObjectFacts& wanted)>;

enum class TakeLibraries { none, all_but_libc, all };

struct BundleLibraryRequest {
  TakeLibraries take = TakeLibraries::none;
  std::string tree_prefix;  // the absolute place of the interpreter's tree: rpaths into it become relative
  std::string loader;       // what starts the interpreter: "/lib64/ld-linux-x86-64.so.2"
};

struct TakenLibrary {
  std::string path;  // in the bundle
  std::string from;  // on this machine
};

struct NeededLibrary {
  std::string name;
  std::vector<std::string> by;  // paths in the bundle, sorted
  friend bool operator==(const NeededLibrary&, const NeededLibrary&) = default;
};

struct BundleLibraries {
  std::vector<TakenLibrary> taken;                         // sorted by path
  std::map<std::string, std::vector<std::string>> rpaths;  // by object, taken ones too: the list it must get
  // What the target system must provide.
  std::vector<NeededLibrary> libc;     // of the C library's family
  std::vector<NeededLibrary> missing;  // all others, sorted by name
  std::string glibc;                   // the lowest version that does: "2.34"; "" when none is needed
};

// Whether the name is one of the C library's own libraries or its loader (glibc's and musl's).
bool is_libc_library(std::string_view name) noexcept;

// A need counts as met where the object's own rpaths lead to it, or where the bundle has a library of that
// name at all: it may be loaded first by Python code or by a dependent. Throws Error(no_match) when a library
// is to be taken and this machine has none.
BundleLibraries find_bundle_libraries(const std::vector<BundleObject>& objects,
                                      const BundleLibraryRequest& request, const FindLibrary& find);

}  // namespace axle
