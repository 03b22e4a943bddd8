#include "exec/kept_chunks.h"

#include <set>
#include <variant>

#include "exec/compress.h"

namespace axle {
namespace {

// No chunk unpacks to more: one file, its header, and the rest below the bound of a chunk.
constexpr std::uint64_t max_unpacked = 64U << 20;

}  // namespace

KeptChunks::KeptChunks(const Layer& layer) : layer_(layer), has_(layer.chunks.size(), false) {
  const LayerOptions& options = layer.options;
  const bool is_plain = options.compression == LayerCompression::none;
  needs_digest_ = options.digests != LayerDigests::none;
  needs_diff_id_ = options.digests == LayerDigests::all || (needs_digest_ && is_plain);
  if (is_plain || options.cache == nullptr) return;

  cache_ = options.cache;
  keys_ = chunk_keys(layer.plan, layer.entries, layer.chunks, layer.wheels, options, cache_->maker());
  Hasher all;
  for (const Sha256& key : keys_)
    all.update({reinterpret_cast<const char*>(key.bytes.data()), key.bytes.size()});
  record_key_ = all.finish_sha256();
  for (const LayerChunk& chunk : layer.chunks) {
    if (chunk.large == waiting_.size()) waiting_.push_back(std::make_unique<Waiting>());
  }
  if (options.reuse == ReuseChunks::no) return;
  record_ = cache_->find_record(record_key_);
  if (record_ && record_->digest) needs_digest_ = false;
  if (record_ && record_->diff_id) needs_diff_id_ = false;
  std::vector<bool> whole(waiting_.size(), true);
  for (std::size_t i = 0; i < layer.chunks.size(); ++i) {
    has_[i] = cache_->has_chunk(keys_[i]);
    const auto large = layer.chunks[i].large;
    if (!large) continue;
    // A piece of a deflate stream cannot be inflated alone.
    const bool is_opaque = needs_diff_id_ && options.compression == LayerCompression::gzip;
    if (!has_[i] || is_opaque) whole[*large] = false;
  }
  for (std::size_t i = 0; i < layer.chunks.size(); ++i) {
    if (layer.chunks[i].large && !whole[*layer.chunks[i].large]) has_[i] = false;
  }
}

std::uint64_t KeptChunks::take(std::size_t chunk, std::string& packed, std::string& tar) const {
  const auto size = cache_->read_chunk(keys_[chunk], packed);
  if (!size || *size > max_unpacked) throw DamagedChunk{};
  if (!needs_diff_id_) return *size;
  const bool is_right = layer_.options.compression == LayerCompression::gzip
                            ? unpack_gzip_members(packed, *size, tar)
                            : unpack_zstd_frames(packed, *size, tar);
  if (!is_right) throw DamagedChunk{};
  return *size;
}

void KeptChunks::seal(std::size_t chunk, std::string& packed, std::uint64_t tar_size) const {
  LayerCache::seal_chunk(keys_[chunk], packed, tar_size);
}

void KeptChunks::keep(std::size_t chunk, std::string& packed, const Sha256& digest) {
  const auto staged = cache_->stage_chunk(keys_[chunk], packed, digest);
  if (!staged) return;
  if (const auto large = layer_.chunks[chunk].large) {
    Waiting& waiting = *waiting_[*large];
    const std::lock_guard lock(waiting.mutex);
    if (!waiting.is_compared) {
      waiting.staged.push_back(*staged);
      return;
    }
  }
  cache_->publish(*staged);
}

void KeptChunks::compared(std::size_t large) {
  if (cache_ == nullptr) return;
  Waiting& waiting = *waiting_[large];
  const std::lock_guard lock(waiting.mutex);
  waiting.is_compared = true;
  for (const LayerCache::Staged& staged : waiting.staged) cache_->publish(staged);
}

void KeptChunks::finish(LayerDigest& result) {
  if (cache_ == nullptr) return;
  if (record_) {
    if (record_->size != result.size || record_->tar_size != result.tar_size) throw DamagedChunk{};
    if (record_->digest) result.digest = *record_->digest;
    if (record_->diff_id) result.diff_id = *record_->diff_id;
    if (!needs_digest_ && !needs_diff_id_) return;
  } else {
    record_.emplace();
  }
  if (needs_digest_) record_->digest = result.digest;
  if (needs_diff_id_) record_->diff_id = result.diff_id;
  record_->size = result.size;
  record_->tar_size = result.tar_size;
  record_->chunks = keys_;
  std::set<Sha256> archives;
  for (const FlatEntry& entry : layer_.entries) {
    if (const auto* file = std::get_if<StoreFile>(&entry.content))
      archives.insert(layer_.wheels.facts(file->wheel).wheel_sha256());
  }
  record_->archives.assign(archives.begin(), archives.end());
  cache_->keep_record(record_key_, *record_);
}

}  // namespace axle
