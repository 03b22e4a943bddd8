#pragma once
// Unified diffs: reading them, and applying one file's part to its bytes. Pure.
//
// As GNU patch with --fuzz=0: what surrounds a change must be there to the byte, and may lie at other lines
// than the patch says (the nearest place wins; a hunk with less context at one end than at the other belongs
// to that end of the file). Fuzz is not done: a wheel is pinned, so a patch that only nearly fits was made
// for another one.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace axle {

struct PatchLine {
  enum class Kind : char { context = ' ', removed = '-', added = '+' };
  Kind kind = Kind::context;
  std::string_view text;  // without its end
  bool newline = true;    // false: "\ No newline at end of file" follows it
};

struct Hunk {
  std::size_t line = 0;         // of its header in the patch
  std::uint64_t old_start = 0;  // the first line that it looks for; from 1
  std::uint64_t old_count = 0;
  std::uint64_t new_count = 0;
  std::vector<PatchLine> lines;
};

struct FilePatch {
  // copy leaves its source where it is.
  enum class Kind { change, create, remove, rename, copy };
  Kind kind = Kind::change;
  // Without the leading components that were to be stripped; not yet known to be safe. The old one of what is
  // created, and the new one of what is removed, are empty. Of a change both may be the file's.
  std::string old_path;
  std::string new_path;
  std::optional<bool> executable;  // what git says of the mode
  std::size_t line = 0;            // where its part begins
  std::vector<Hunk> hunks;
};

// The parts in their order; an empty text has none. Prose before and between them is passed over. The result
// points into `text`. `name` is what errors call it. Throws Error(bad_input) with the line of what is
// malformed, cut short, or names no file; Error(unsupported) for binary patches and context diffs.
std::vector<FilePatch> parse_patch(std::string_view text, const std::string& name, unsigned strip);

// The new content. Throws Error(conflict) with the place of the hunk that does not fit, or that would leave
// something in a file that is to be removed.
std::string apply_patch(std::string_view content, const FilePatch& patch, const std::string& name);

}  // namespace axle
