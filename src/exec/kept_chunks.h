#pragma once
// Chunks of one layer that the store keeps of earlier ones, and will keep for later ones.
//
// A chunk's bytes are a function of what its key is the digest of (layer_chunks.h), so a chunk with the same
// key, made by whichever layer, is taken as it is: no archive is opened for it. Of the pieces of a file all
// are taken or none, as each needs the one before to be inflated; they are kept when the whole file was
// compared. What all chunks together came to, sizes and digests, is kept by the digest of their keys.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "exec/layer.h"
#include "exec/layer_chunks.h"
#include "store/layer_cache.h"

namespace axle {

class KeptChunks {
 public:
  // What a layer is made of; all of it must outlive the object.
  struct Layer {
    const Plan& plan;
    const std::vector<FlatEntry>& entries;
    const std::vector<LayerChunk>& chunks;
    const WheelSet& wheels;
    const LayerOptions& options;
  };
  // Nothing is kept without a cache, or of a layer that is not compressed.
  explicit KeptChunks(const Layer& layer);

  // What of the digests that are wanted is not known and must be computed. Known ones are in the record.
  bool needs_digest() const noexcept { return needs_digest_; }
  bool needs_diff_id() const noexcept { return needs_diff_id_; }

  // Whether a chunk is there. Then take() puts its bytes to the end of `packed`, and, where the diff-id is
  // needed, what they unpack to, to the end of `tar`; gives the size of that. Throws DamagedChunk.
  bool has(std::size_t chunk) const { return has_[chunk]; }
  std::uint64_t take(std::size_t chunk, std::string& packed, std::string& tar) const;

  bool keeps() const noexcept { return cache_ != nullptr; }
  // A chunk that was made: seal() puts something to its end, and keep() takes it off again; it wants the
  // digest of all of that. All of its files were compared then; only a piece waits for compared(), with the
  // number of its file. Thread-safe.
  void seal(std::size_t chunk, std::string& packed, std::uint64_t tar_size) const;
  void keep(std::size_t chunk, std::string& packed, const Sha256& digest);
  void compared(std::size_t large);

  // When all is written: adds to `result` what was known, and keeps what was not. Throws DamagedChunk.
  void finish(LayerDigest& result);

 private:
  struct Waiting {
    std::mutex mutex;
    std::vector<LayerCache::Staged> staged;
    bool is_compared = false;
  };

  Layer layer_;
  LayerCache* cache_ = nullptr;
  bool needs_digest_ = false;
  bool needs_diff_id_ = false;
  std::vector<Sha256> keys_;
  std::vector<bool> has_;
  std::vector<std::unique_ptr<Waiting>> waiting_;  // by large file
  Sha256 record_key_;
  std::optional<LayerRecord> record_;  // what was known of the whole layer
};

}  // namespace axle
