#pragma once
// Changing where an object looks for its libraries: decided as a value (which bytes to put where), then done
// on a copy. The object that is read is never written: it may be in a store, hardlinked, or mapped by a
// running program.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "axle/object/object_facts.h"

namespace axle {

// Changes whenever the same edit of the same object gives other bytes.
inline constexpr int rpath_edit_version = 1;

// What an object is to have. RPATH stays RPATH and RUNPATH stays RUNPATH (they differ in who inherits them
// and in what LD_LIBRARY_PATH may override) unless `tag` says otherwise; an object with neither gets RUNPATH.
struct RpathEdit {
  enum class Tag { keep, rpath, runpath };

  std::vector<std::string> entries{};  // in search order; none: the object's list is removed
  Tag tag = Tag::keep;                 // ELF only
  // Mach-O only: the install name (LC_ID_DYLIB), and the names under which libraries are needed, old and new.
  std::optional<std::string> install_name{};
  struct Rename {
    std::string from;
    std::string to;
  };
  std::vector<Rename> needed{};
};

// The entries of an object's list that the loader would use: RUNPATH before RPATH, LC_RPATH for Mach-O. An
// empty list has no entries; an empty entry between colons is kept.
std::vector<std::string> rpath_entries(const ObjectFacts& facts);

// Pure list operations; the order of what stays is kept.
std::vector<std::string> add_rpaths(std::vector<std::string> entries, const std::vector<std::string>& added);
std::vector<std::string> remove_rpaths(std::vector<std::string> entries,
                                       const std::vector<std::string>& removed);
// Only the entries in which at least one needed library is found first. `origin` is the directory of the
// object, put for $ORIGIN and @loader_path; entries with other tokens are kept. `exists` is asked for
// "directory/library".
std::vector<std::string> shrink_rpaths(const ObjectFacts& facts, std::string_view origin,
                                       const std::function<bool(const std::string& path)>& exists);

// Bytes to write over a copy of the object, in order; a patch may begin at or reach past the end.
struct BytePatch {
  std::uint64_t offset = 0;
  std::string bytes;

  friend bool operator==(const BytePatch&, const BytePatch&) = default;
};

struct EditPlan {
  std::vector<BytePatch> patches;  // none: the object already is as wanted
  std::uint64_t size = 0;          // of the result
  // How, in order of least change: "none", "removed", "old string", "tail of another string", "string table
  // grown"; with a new segment whose program header is had by "string segment replaced", "spare program
  // header", "redundant note", "room after headers", "head moved", "note given up"; for Mach-O "load
  // commands".
  std::string method;

  friend bool operator==(const EditPlan&, const EditPlan&) = default;
};

// Decides an edit of an ELF or Mach-O object. Deterministic. Throws Error(unsupported) with the reason when
// it cannot be done safely, when the object is damaged, or when it is PE; Error(bad_input) for entries that
// no list can hold (a colon in ELF, NUL). Thread-safe.
EditPlan plan_rpath_edit(const ReadAt& read, std::uint64_t size, const RpathEdit& edit);
EditPlan plan_rpath_edit(std::string_view content, const RpathEdit& edit);

// The edited bytes.
std::string apply_edit(const EditPlan& plan, std::string_view content);
// Copies the file `from` to the empty file `to` (shared extents where the file system can) and patches the
// copy. Throws Error(io) with `name` in it.
void apply_edit(const EditPlan& plan, int from, int to, std::string_view name);

}  // namespace axle
