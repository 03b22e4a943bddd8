// Writing a layer.
//
// Problem. A layer is a compressed tar with two digests, one of each form, and compressing is nearly all of
// the time that others need for it. The result must be the same on any number of threads, the memory bounded,
// and every byte verified.
//
// Gzip. Gzip members may follow one another (RFC 1952, section 2.2), and in a wheel every file is a deflate
// stream of its own. So a file's compressed bytes, whose CRC and size the archive gives, go into the layer as
// they are, in a member of their own, between members that hold the tar's headers and padding. Small files
// are compressed anew together with the headers around them: that is smaller, and there is little of it.
// Inflating is still done: for the file's digest, its CRC and the tar's digest.
//
// Zstd. Frames may follow one another too; each chunk is a frame.
//
// Chunks. The entries are cut into chunks of about a fixed size, by their sizes alone. A file above
// WheelSet::max_whole is cut into pieces of its own, each a chunk. Chunks are made on all threads and written
// in order; only so many are made ahead. The pieces of one file must be inflated in turn: whoever makes piece
// k waits until k-1 is inflated, then compresses while the next is being inflated. Chunks are begun in order,
// so the one that is waited for was begun before, and nobody waits for ever.

#include "exec/layer.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <stdexcept>

#include "axle/base/error.h"
#include "base/interrupt.h"
#include "base/parallel.h"
#include "exec/compress.h"
#include "exec/entry_bytes.h"
#include "exec/tar_format.h"
#include "plan/launcher_scripts.h"

namespace axle {
namespace {

constexpr std::uint64_t chunk_bytes = 2U << 20;
constexpr std::size_t chunk_entries = 1024;
constexpr std::uint64_t piece_bytes = WheelSet::max_whole;
// Chunks that are made and not yet written, at most.
constexpr std::size_t window = 8;
// Edited objects are held in memory.
constexpr std::uint64_t max_patched = 256U << 20;
// From this size on a file's own compressed bytes are taken over. Chosen by measurement.
constexpr std::uint64_t splice_from = 4096;

// A large file that is read by several chunks in turn.
struct LargeFile {
  std::unique_ptr<WheelSet::Pieces> pieces;
  bool spliced = false;
  std::uint64_t done = 0;  // bytes read
  std::mutex mutex;
  std::condition_variable changed;
};

// Entries [first, last); or, when `large` is set, the piece of entry `first` that begins at `offset`.
struct Chunk {
  std::size_t first = 0;
  std::size_t last = 0;
  LargeFile* large = nullptr;
  std::uint64_t offset = 0;
};

// A chunk that is made: its bytes of the tar, and the same compressed.
struct Part {
  std::string tar;
  std::string packed;
};

class LayerWriter {
 public:
  LayerWriter(const Plan& plan, const std::vector<FlatEntry>& entries, const MadeBytes& made,
              const WheelSet& wheels, const LayerOptions& options,
              const std::function<void(std::string_view)>& sink)
      : plan_(plan), entries_(entries), made_(made), wheels_(wheels), options_(options), sink_(sink) {
    cut();
  }

  LayerDigest run() {
    std::vector<Part> parts(chunks_.size());
    parallel_in_order(
        chunks_.size(), options_.jobs, window, [&](std::size_t i) { make(i, parts[i]); },
        [&](std::size_t i) { put(std::exchange(parts[i], {})); });
    result_.diff_id = tar_hash_.finish_sha256();
    result_.digest =
        options_.compression == LayerCompression::none ? result_.diff_id : packed_hash_.finish_sha256();
    return result_;
  }

 private:
  void cut() {
    std::uint64_t bytes = 0;
    std::size_t first = 0;
    const auto end_chunk = [&](std::size_t end) {
      if (end > first) chunks_.push_back({first, end, nullptr, 0});
      first = end;
      bytes = 0;
    };
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      const FlatEntry& entry = entries_[i];
      const std::uint64_t size = entry.kind == FlatKind::file ? entry.written.value().size : 0;
      if (size > WheelSet::max_whole && std::holds_alternative<StoreFile>(entry.content)) {
        end_chunk(i);
        large_.push_back(std::make_unique<LargeFile>());
        for (std::uint64_t at = 0; at < size; at += piece_bytes) {
          chunks_.push_back({i, i + 1, large_.back().get(), at});
        }
        first = i + 1;
        continue;
      }
      bytes += size + tar_block;
      if (bytes >= chunk_bytes || i + 1 - first >= chunk_entries) end_chunk(i + 1);
    }
    end_chunk(entries_.size());
  }

  void make(std::size_t index, Part& part) {
    const Chunk& chunk = chunks_[index];
    try {
      std::size_t packed_to = 0;  // what of part.tar is in part.packed
      if (chunk.large != nullptr) {
        make_piece(chunk, part, packed_to);
      } else {
        for (std::size_t i = chunk.first; i < chunk.last; ++i) add_entry(entries_[i], part, packed_to);
      }
      if (index + 1 == chunks_.size()) append_tar_end(part.tar);
      pack(part, packed_to);
    } catch (...) {
      failed_.store(true);
      throw;
    }
  }

  // Compresses what of the tar is not compressed yet.
  void pack(Part& part, std::size_t& packed_to) const {
    const std::string_view bytes = std::string_view(part.tar).substr(packed_to);
    packed_to = part.tar.size();
    if (bytes.empty()) return;
    if (options_.compression == LayerCompression::gzip) append_gzip_member(part.packed, bytes);
    if (options_.compression == LayerCompression::zstd) append_zstd_frame(part.packed, bytes);
  }

  bool may_splice() const {
    return options_.compression == LayerCompression::gzip && options_.deflate == Deflate::splice;
  }

  std::string tar_path(const FlatEntry& entry) const {
    const std::string root = plan_.layout.root.substr(1);
    return entry.path.empty() ? root : root + "/" + entry.path;
  }

  void add_header(const FlatEntry& entry, std::string& tar) const {
    TarMember member;
    member.path = tar_path(entry);
    member.mode = entry.executable ? 0755 : 0644;
    member.mtime = options_.mtime;
    member.uid = options_.uid;
    member.gid = options_.gid;
    switch (entry.kind) {
      case FlatKind::directory:
        member.kind = TarKind::directory;
        member.mode = 0755;
        break;
      case FlatKind::file:
        member.size = entry.written.value().size;
        break;
      case FlatKind::symlink:
        member.kind = TarKind::symlink;
        member.mode = 0777;
        member.link = entry.target;
        break;
      case FlatKind::hardlink:
        member.kind = TarKind::hardlink;
        member.link = tar_path(entries_[entry.link_to]);
        break;
      case FlatKind::store_link:
        throw std::logic_error("layer: " + entry.path + " is a link into the store");
    }
    append_tar_header(tar, member);
  }

  void add_entry(const FlatEntry& entry, Part& part, std::size_t& packed_to) const {
    add_header(entry, part.tar);
    if (entry.kind != FlatKind::file) return;
    const std::uint64_t size = entry.written.value().size;
    if (const auto* file = std::get_if<StoreFile>(&entry.content)) {
      WheelSet::Buffer& read_into = buffer();
      const Archive::Unpacked content = wheels_.read(*file, read_into);
      if (may_splice() && size >= splice_from && !content.packed.empty()) {
        pack(part, packed_to);
        append_gzip_begin(part.packed);
        part.packed += content.packed;
        append_gzip_end(part.packed, wheels_.crc32(*file), size);
        packed_to += content.plain.size();
      }
      part.tar += content.plain;
    } else if (const auto* record = std::get_if<RecordBytes>(&entry.content)) {
      part.tar += record->bytes;
    } else {
      const std::uint32_t index = entry.entry.value();
      const auto* generated = std::get_if<Generated>(&plan_.entries[index].content);
      part.tar += generated != nullptr ? generated->bytes : made_.at(index).value();
    }
    append_tar_padding(part.tar, size);
  }

  static WheelSet::Buffer& buffer() {
    thread_local WheelSet::Buffer reused;
    return reused;
  }

  void make_piece(const Chunk& chunk, Part& part, std::size_t& packed_to) {
    const FlatEntry& entry = entries_[chunk.first];
    const StoreFile file = std::get<StoreFile>(entry.content);
    const std::uint64_t size = entry.written.value().size;
    const bool is_first = chunk.offset == 0;
    const std::uint64_t count = std::min(piece_bytes, size - chunk.offset);
    const bool is_last = chunk.offset + count == size;
    LargeFile& large = *chunk.large;
    if (is_first) {
      add_header(entry, part.tar);
      pack(part, packed_to);
    }
    {
      std::unique_lock lock(large.mutex);
      while (large.done != chunk.offset) {
        large.changed.wait_for(lock, std::chrono::milliseconds(100));
        throw_if_interrupted();
        if (failed_.load()) throw Abandoned{};
      }
      if (is_first) {
        large.pieces = std::make_unique<WheelSet::Pieces>(wheels_, file);
        large.spliced = may_splice() && large.pieces->has_packed();
        if (large.spliced) append_gzip_begin(part.packed);
      }
      large.pieces->read(count, part.tar, large.spliced ? &part.packed : nullptr);
      if (large.spliced) packed_to = part.tar.size();
      if (large.spliced && is_last) append_gzip_end(part.packed, large.pieces->crc32(), size);
      if (is_last) large.pieces.reset();
      large.done += count;
      large.changed.notify_all();
    }
    if (is_last) append_tar_padding(part.tar, size);
  }

  void put(const Part& part) {
    tar_hash_.update(part.tar);
    result_.tar_size += part.tar.size();
    const bool plain = options_.compression == LayerCompression::none;
    if (!plain) packed_hash_.update(part.packed);
    const std::string& bytes = plain ? part.tar : part.packed;
    result_.size += bytes.size();
    sink_(bytes);
  }

  const Plan& plan_;
  const std::vector<FlatEntry>& entries_;
  const MadeBytes& made_;
  const WheelSet& wheels_;
  const LayerOptions& options_;
  const std::function<void(std::string_view)>& sink_;
  std::vector<std::unique_ptr<LargeFile>> large_;
  std::vector<Chunk> chunks_;
  std::atomic<bool> failed_{false};
  Hasher tar_hash_;
  Hasher packed_hash_;
  LayerDigest result_;
};

}  // namespace

std::string_view media_type(LayerCompression compression) noexcept {
  switch (compression) {
    case LayerCompression::none:
      return "application/vnd.oci.image.layer.v1.tar";
    case LayerCompression::gzip:
      return "application/vnd.oci.image.layer.v1.tar+gzip";
    case LayerCompression::zstd:
      break;
  }
  return "application/vnd.oci.image.layer.v1.tar+zstd";
}

MadeBytes make_bytes(const Plan& plan, const WheelSet& wheels) {
  MadeBytes made(plan.entries.size());
  WheelSet::Buffer buffer;
  for (std::size_t i = 0; i < plan.entries.size(); ++i) {
    const Entry& entry = plan.entries[i];
    if (const auto* script = std::get_if<Rewritten>(&entry.content)) {
      if (wheels.facts(script->from.wheel).file(script->from.file).size > WheelSet::max_whole) {
        throw Error(ErrorCode::unsupported, Place{entry.path.str()}, "is too large for a Python script");
      }
      const std::string content(wheels.read(script->from, buffer).plain);
      const ScriptInterpreter interpreter{script->interpreter, plan.policy.relocatable == Relocatable::yes,
                                          plan.layout.os};
      made[i] = rewrite_script(content, interpreter).value_or(content);
    } else if (std::holds_alternative<Patched>(entry.content)) {
      const StoreFile from = std::get<Patched>(entry.content).from;
      const std::uint64_t size = wheels.facts(from.wheel).file(from.file).size;
      if (size > max_patched) {
        throw Error(ErrorCode::unsupported, Place{entry.path.str()},
                    "is too large to be given other rpaths in a layer", "use --rpath auto or keep");
      }
      std::string original;
      WheelSet::Pieces(wheels, from).read(size, original, nullptr);
      made[i] = patched_bytes(entry, original);
    }
  }
  return made;
}

std::vector<std::optional<WrittenFile>> digests_of(const MadeBytes& made) {
  std::vector<std::optional<WrittenFile>> digests(made.size());
  for (std::size_t i = 0; i < made.size(); ++i) {
    if (made[i]) digests[i] = WrittenFile{Sha256::of(*made[i]), made[i]->size()};
  }
  return digests;
}

LayerDigest write_layer(const Plan& plan, const std::vector<FlatEntry>& entries, const MadeBytes& made,
                        const WheelSet& wheels, const LayerOptions& options,
                        const std::function<void(std::string_view)>& sink) {
  return LayerWriter(plan, entries, made, wheels, options, sink).run();
}

}  // namespace axle
