#pragma once
// The bytes of entries that are not plainly a file of the store: Generated, Rewritten and Patched. Whoever
// writes an environment (into a directory, into a tar) asks here and nowhere else.

#include <string>
#include <string_view>
#include <vector>

#include "axle/plan/plan.h"
#include "axle/store/store.h"
#include "base/file.h"
#include "exec/dist_tree.h"
#include "store/derived.h"

namespace axle {

// Holds what it shows: the plan (Generated), a text of its own (Rewritten) or a mapping (Patched).
class OwnBytes {
 public:
  explicit OwnBytes(std::string own) : own_(std::move(own)), kind_(Kind::own) {}
  explicit OwnBytes(MappedFile mapped) : mapped_(std::move(mapped)), kind_(Kind::mapped) {}
  explicit OwnBytes(std::string_view borrowed) : borrowed_(borrowed), kind_(Kind::borrowed) {}

  std::string_view view() const noexcept {
    return kind_ == Kind::own ? std::string_view(own_) : kind_ == Kind::mapped ? mapped_.bytes() : borrowed_;
  }

 private:
  enum class Kind { own, mapped, borrowed };
  std::string own_;
  MappedFile mapped_;
  std::string_view borrowed_;
  Kind kind_;
};

// True for Generated, Rewritten and Patched.
bool has_own_bytes(const Content& content) noexcept;

// The bytes of such an entry. `trees` has the unpacked wheels. A Patched object is made when `kept` does not
// have it yet, and in memory when that is nullptr. The result of a Generated entry shows the plan's own text
// and must not outlive it. Throws Error(unsupported) for an object that cannot be edited, Error(integrity)
// when the wheel's file is missing, Error(io). Thread-safe.
OwnBytes entry_bytes(const Plan& plan, const Entry& entry, const Trees& trees, const Store* kept);

// Digest and size of those bytes; those of a Patched object come from the store without reading it again.
WrittenFile measure_entry(const Plan& plan, const Entry& entry, const Trees& trees, const Store* kept);

// The store's file of a Patched entry, made when it is not there.
DerivedFile patched_file(const Plan& plan, const Entry& entry, const Trees& trees, const Store& kept);

// Writes the object of a Patched entry into an empty file, from its wheel's file as `original` holds it,
// where neither a tree nor a store is at hand. Memory does not grow with the object.
void patch_object(const Entry& entry, const Fd& original, const Fd& into);

// Makes the objects of all Patched entries among these, on `jobs` threads: what cannot be edited is found
// before an environment is touched.
void prepare_patched(const Plan& plan, const std::vector<Entry>& entries, const Trees& trees,
                     const Store& kept, unsigned jobs);

// Whether the objects of all Patched entries of the plan could be edited; makes nothing. Throws as above.
void require_editable(const Plan& plan, const Trees& trees);

}  // namespace axle
