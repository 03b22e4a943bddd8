#pragma once
// Changing the rpaths of native objects where they lie, many at a time: `axle rpath`.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "axle/object/object_facts.h"

namespace axle {

// What is to become of an object's list, in this order.
struct RpathChange {
  std::optional<std::vector<std::string>> set;  // instead of its own
  std::vector<std::string> remove;
  std::vector<std::string> add;
  enum class Shrink { no, yes } shrink = Shrink::no;  // only entries in which a needed library is found

  bool is_none() const noexcept { return !set && remove.empty() && add.empty() && shrink == Shrink::no; }
};

enum class EditWrite { nothing, files, durable };  // durable: flushed to the disk before the rename

struct EditObjectsOptions {
  EditWrite write = EditWrite::files;
  unsigned jobs = 1;
  std::string store;  // absolute; files below it are never edited
};

struct EditedObject {
  std::string path;
  ObjectFacts facts;                // as it was
  std::vector<std::string> rpaths;  // as it was
  std::vector<std::string> result;  // as it is now, or would be
  bool changed = false;
  std::string method;  // of the edit, "" for none
  std::uint64_t size_before = 0;
  std::uint64_t size_after = 0;
  std::string refused;  // why it was left alone, "" when it was not
};

// The objects among these files and, found by content, in these directories (links are not followed there),
// each once, by path. A file that is no object is Error(bad_input), what is absent Error(io).
//
// Each is decided on and written on its own: to a new file beside it, which takes its place by one rename, so
// that running programs and other hard links keep the old one. One that cannot be edited is left alone and
// says why. Programs without a loader, object files and Windows' objects that are met in directories are
// passed over.
std::vector<EditedObject> edit_objects(const std::vector<std::string>& paths, const RpathChange& change,
                                       const EditObjectsOptions& options);

}  // namespace axle
