#pragma once
// What `axle layer` keeps, so that the next layer costs only what changed: compressed chunks of layers, what
// whole layers came to, and the facts of wheels whose files were all compared with RECORD. All of it is a
// cache: any of it may be removed at any time, and what is damaged is made anew. docs/store-format.md has the
// files.

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "axle/base/diagnostic.h"
#include "axle/base/digest.h"
#include "axle/base/error.h"
#include "axle/store/store.h"
#include "axle/wheel/facts.h"
#include "store/scratch.h"

namespace axle {

// What a layer came to, by the digest of the keys of its chunks.
struct LayerRecord {
  std::optional<Sha256> digest;   // of its bytes, where it was computed
  std::optional<Sha256> diff_id;  // of its tar, likewise
  std::uint64_t size = 0;
  std::uint64_t tar_size = 0;
  std::vector<Sha256> chunks;    // their keys, in order
  std::vector<Sha256> archives;  // the wheels that it was made of
};

// Reading and keeping are thread-safe. What cannot be kept is no error: the first failure is remembered, and
// nothing more is kept.
class LayerCache {
 public:
  // `store` must outlive it. `maker` says which program's bytes these are: others are not found.
  LayerCache(const Store& store, std::string maker);

  const std::string& maker() const noexcept { return maker_; }

  // Of a pinned wheel, put together from what RECORD says, with every file compared.
  std::optional<WheelFacts> find_facts(const WheelSource& source) const;
  void keep_facts(const WheelFacts& facts);

  // Whether there is one, by its name alone.
  bool has_chunk(const Sha256& key) const;
  // Puts its bytes to the end of `packed` and gives the size of what they unpack to. nullopt: it is not
  // there, or damaged.
  std::optional<std::uint64_t> read_chunk(const Sha256& key, std::string& packed) const;
  // Puts to the end of a chunk what is kept with it: the digest of all that is what stage_chunk() wants, so
  // that a caller may make it along with others.
  static void seal_chunk(const Sha256& key, std::string& packed, std::uint64_t raw_size);
  // Written, and found by nobody before publish(). `packed` is sealed, and afterwards as before that.
  // nullopt: it cannot be kept.
  struct Staged {
    std::string temporary;
    std::string name;
  };
  std::optional<Staged> stage_chunk(const Sha256& key, std::string& packed, const Sha256& digest);
  void publish(const Staged& staged);

  std::optional<LayerRecord> find_record(const Sha256& key) const;
  void keep_record(const Sha256& key, const LayerRecord& record);

  // Why something was not kept, if so.
  Diagnostics notes() const;

 private:
  void keep(const std::string& name, std::string_view bytes);
  std::optional<Staged> stage(const std::string& name, std::string_view bytes);
  void fail(const Error& error);

  const Store& store_;
  std::string maker_;
  mutable std::mutex mutex_;
  std::optional<ScratchDirectory> scratch_;
  std::uint64_t staged_ = 0;
  std::optional<Diagnostic> failure_;
};

// One file of the cache.
struct LayerFile {
  enum class Kind { facts, chunk, record } kind = Kind::chunk;
  Sha256 key;
  std::uint64_t bytes = 0;
  std::int64_t used_ns = 0;  // nanoseconds since 1970
};
std::vector<LayerFile> list_layer_files(const Store& store);  // by kind, then by key
// Those that gc removes: not used for `age_ns`. Facts stay with their wheels, chunks with their layers,
// layers as long as all of their wheels are in `wheels` (sorted).
std::vector<LayerFile> find_unused_layer_files(const Store& store, const std::vector<Sha256>& wheels,
                                               std::int64_t age_ns);
// What is wrong with it; empty: nothing.
Diagnostics verify_layer_file(const Store& store, const LayerFile& file);
void remove_layer_file(const Store& store, const LayerFile& file);

}  // namespace axle
