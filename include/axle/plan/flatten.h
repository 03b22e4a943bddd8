#pragma once
// The plan as a list: every path that it comes to, file by file, with where the bytes come from. For whoever
// writes an environment elsewhere than into a directory (a layer, a bundle), or explains what lies at a path.

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "axle/plan/plan.h"

namespace axle {

enum class FlatKind : std::uint8_t {
  directory,
  file,
  symlink,     // to `target`
  hardlink,    // the same bytes and mode as the file at index `link_to`
  store_link,  // a symbolic link into the store: the plan's link mode is symlink
};

// Bytes of a plan's own making: those of Plan::entries[FlatEntry::entry], which is Generated, Rewritten or
// Patched.
struct EntryBytes {};
// Bytes that only the whole plan tells: a RECORD.
struct RecordBytes {
  std::string bytes;
};

struct FlatEntry {
  std::string path;  // under the layout's root, with '/'; "" is the root itself
  FlatKind kind = FlatKind::file;
  bool executable = false;
  DistId owner = environment_itself;
  // Index in Plan::entries of what it comes from; nullopt for a directory that is only on the way.
  std::optional<std::uint32_t> entry;
  // Of a file: where the bytes come from, and what they are. `written` is nullopt where the bytes of the
  // entry, or of an entry that its RECORD lists, were not given.
  std::variant<std::monostate, StoreFile, EntryBytes, RecordBytes> content;
  std::optional<WrittenFile> written;
  std::string target;         // of a symlink
  std::uint32_t link_to = 0;  // of a hardlink: index in the same list
};

// All paths, sorted by component, so that a directory stands directly before what it holds. `written` is as
// for render_record: digests of Rewritten and Patched entries, by entry; empty when nobody needs RECORDs.
// The plan must have no conflict without a winner. Pure.
std::vector<FlatEntry> flatten(const Plan& plan, const std::vector<std::optional<WrittenFile>>& written);

// Makes every file that has the bytes and the mode of an earlier one a hard link to it. Empty files stay as
// they are (a link would save nothing), and one file gets at most max_flat_links links, because file systems
// have a limit. Pure.
inline constexpr std::uint32_t max_flat_links = 1000;
void link_equal_files(std::vector<FlatEntry>& entries);

}  // namespace axle
