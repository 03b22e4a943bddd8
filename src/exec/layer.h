#pragma once
// A part of an environment as a container layer: one tar, as it is, gzipped or in zstd, written once from
// front to back with the digests of both. The bytes are a function of the entries, of the wheels' bytes and
// of the options; jobs changes nothing. How, and why it is fast, stands at the head of layer.cc.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "axle/base/digest.h"
#include "axle/plan/flatten.h"
#include "axle/plan/plan.h"
#include "exec/made_bytes.h"
#include "exec/wheel_set.h"
#include "store/layer_cache.h"

namespace axle {

enum class LayerCompression { none, gzip, zstd };
// Whether a layer takes over what the wheels' own compressed bytes have: gzip the bytes, zstd the matches
// that they consist of; or compresses all anew. With `recompress` the layer is the same whether a wheel comes
// from its archive or from the store.
enum class Deflate { splice, recompress };
// Whether chunks that are kept are used, or made and kept anew.
enum class ReuseChunks { yes, no };
// Which digests are wanted: they take as long as a fifth of the rest.
enum class LayerDigests { none, packed, all };

struct LayerOptions {
  LayerCompression compression = LayerCompression::gzip;
  Deflate deflate = Deflate::splice;
  LayerDigests digests = LayerDigests::all;
  unsigned jobs = 1;
  std::int64_t mtime = 0;  // of every member, seconds since 1970, not negative
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  LayerCache* cache = nullptr;  // nullptr: no chunk is kept or used; changes nothing else
  ReuseChunks reuse = ReuseChunks::yes;
};

// What write_layer throws when a chunk that is kept turns out to be damaged: to be called again, with
// ReuseChunks::no.
struct DamagedChunk {};

struct LayerDigest {
  Sha256 digest;               // of what was written; zeros unless it was wanted
  Sha256 diff_id;              // of the tar; likewise
  std::uint64_t size = 0;      // bytes written
  std::uint64_t tar_size = 0;  // bytes of the tar
};

// "application/vnd.oci.image.layer.v1.tar+gzip". spec: OCI image format, "Layer media types".
std::string_view media_type(LayerCompression compression) noexcept;

// `entries` are of this plan, sorted, hard links already chosen; wheel i of the plan is wheel i of `wheels`.
// `sink` gets the bytes in order, from one thread at a time. Throws what reading does, and what the sink
// does.
LayerDigest write_layer(const Plan& plan, const std::vector<FlatEntry>& entries, const MadeBytes& made,
                        const WheelSet& wheels, const LayerOptions& options,
                        const std::function<void(std::string_view)>& sink);

}  // namespace axle
