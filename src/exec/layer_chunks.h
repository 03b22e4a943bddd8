#pragma once
// How a layer is cut into chunks that are made apart from each other, and what each of them is a function of.
//
// A chunk can be kept and used again when nothing that it is made from has changed (store/layer_cache.h). So
// the cuts must depend on what lies near them only: after another version of one distribution, or another
// distribution more, the cuts behind it are soon where they were. A chunk ends where a distribution ends,
// once it is not too small; where a directory begins, once it is of a good size; and anywhere at a bound.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "axle/base/digest.h"
#include "axle/plan/flatten.h"
#include "axle/plan/plan.h"
#include "exec/layer.h"
#include "exec/tar_format.h"

namespace axle {

// Entries [first, last); or, when `large` is set, a piece of the large file that is entry `first`.
struct LayerChunk {
  std::size_t first = 0;
  std::size_t last = 0;
  std::optional<std::size_t> large;  // counts the large files
  std::uint64_t offset = 0;          // of the piece in the file

  friend bool operator==(const LayerChunk&, const LayerChunk&) = default;
};

// Files above this size are cut into pieces of it.
inline constexpr std::uint64_t layer_piece = WheelSet::max_whole;
// `in_pieces` says whether a file of that size can be read so. Pure.
std::vector<LayerChunk> cut_layer(const std::vector<FlatEntry>& entries,
                                  const std::function<bool(const FlatEntry&)>& in_pieces);

// What the tar says of an entry. Throws std::logic_error for a link into the store. Pure.
TarMember tar_member(const Plan& plan, const std::vector<FlatEntry>& entries, const FlatEntry& entry,
                     const LayerOptions& options);

// Keys of the chunks: digests of all that their bytes depend on. `maker` is the program and its version.
std::vector<Sha256> chunk_keys(const Plan& plan, const std::vector<FlatEntry>& entries,
                               const std::vector<LayerChunk>& chunks, const WheelSet& wheels,
                               const LayerOptions& options, const std::string& maker);

}  // namespace axle
