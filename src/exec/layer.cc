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
// Zstd. Frames may follow one another too. What costs most of compressing is the search for bytes that came
// before, and a wheel's deflate streams say where those are. So a file's matches are told to zstd, which only
// has to write them in its own way; headers are told as what they differ in from the header before (see
// match_frame.h, and deflate_parser.cc for how the matches are had). What lies nowhere deflated is compressed
// as usual, in frames of its own unless it is small.
//
// Chunks. The entries are cut into chunks (layer_chunks.h). A file above WheelSet::max_whole is cut into
// pieces of its own, each a chunk. Chunks are made on all threads and written in order; only so many are made
// ahead. The pieces of one file must be inflated in turn: whoever makes piece
// k waits until k-1 is inflated, then compresses while the next is being inflated. Chunks are begun in order,
// so the one that is waited for was begun before, and nobody waits for ever.
//
// A chunk that the store keeps of an earlier layer is taken as it is (kept_chunks.h). Where the diff-id is
// not known from there either, the tar is had by decompressing.

#include "exec/layer.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <set>
#include <variant>

#include "axle/base/error.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/parallel.h"
#include "base/sha256_lanes.h"
#include "exec/compress.h"
#include "exec/kept_chunks.h"
#include "exec/layer_chunks.h"
#include "exec/match_frame.h"
#include "exec/tar_format.h"

namespace axle {
namespace {

// Chunks that are made and not yet written, at most.
constexpr std::size_t window = 8;
// From this size on a file's own compressed bytes are taken over. Chosen by measurement.
constexpr std::uint64_t splice_from = 4096;
// Up to this size, what is not deflated anywhere goes into a frame of told matches as it is.
constexpr std::uint64_t max_literal = 1024;
// More than nearly every chunk of the tar has: what is not touched costs nothing, what grows is copied.
constexpr std::size_t likely_tar = 7U << 20;
// How far back deflate reaches.
constexpr std::size_t deflate_window = 32U << 10;

// A large file that is read by several chunks in turn.
struct LargeFile {
  std::unique_ptr<WheelSet::Pieces> pieces;
  std::unique_ptr<WheelSet::Matches> matches;  // instead of these
  std::string tail;                            // the end of what was read with matches
  bool spliced = false;
  std::uint64_t done = 0;    // bytes read
  std::uint64_t hashed = 0;  // bytes hashed, where this is done apart
  std::mutex mutex;
  std::mutex hash_mutex;
  std::condition_variable changed;  // `done`
  std::condition_variable hash_changed;
};

// A chunk that is made: its bytes of the tar, after `skip` others, and the same compressed.
struct Part {
  std::string tar;
  std::size_t skip = 0;
  std::string packed;
};

// A file whose bytes are in a part's tar and were not hashed so far.
struct Unhashed {
  StoreFile file;
  std::size_t begin = 0;
  std::size_t size = 0;
};

// What each thread reuses.
struct Scratch {
  WheelSet::Buffer buffer;
  WheelSet::Matches matches;
  MatchFrame frame;
  std::string tar;
  std::vector<Unhashed> unhashed;
  std::vector<std::string_view> texts;
  std::vector<Sha256> digests;
};
Scratch& scratch() {
  thread_local Scratch own;
  return own;
}

class LayerWriter {
 public:
  LayerWriter(const Plan& plan, const std::vector<FlatEntry>& entries, const MadeBytes& made,
              const WheelSet& wheels, const LayerOptions& options,
              const std::function<void(std::string_view)>& sink)
      : plan_(plan),
        entries_(entries),
        made_(made),
        wheels_(wheels),
        options_(options),
        sink_(sink),
        chunks_(cut_layer(entries,
                          [&](const FlatEntry& entry) {
                            return std::holds_alternative<StoreFile>(entry.content) ||
                                   made_file(entry) != nullptr;
                          })),
        kept_({plan, entries, chunks_, wheels, options}) {
    for (const LayerChunk& chunk : chunks_) {
      if (chunk.large == large_.size()) large_.push_back(std::make_unique<LargeFile>());
    }
  }

  LayerDigest run() {
    open_archives();
    std::vector<Part> parts(chunks_.size());
    tar_sizes_.resize(chunks_.size());
    parallel_in_order(
        chunks_.size(), options_.jobs, window,
        [&](std::size_t i) { kept_.has(i) ? take(i, parts[i]) : make(i, parts[i]); },
        [&](std::size_t i) { put(parts[i]); });
    for (const std::uint64_t size : tar_sizes_) result_.tar_size += size;
    if (kept_.needs_diff_id()) result_.diff_id = tar_hash_.finish_sha256();
    if (is_plain()) {
      result_.digest = result_.diff_id;
    } else if (kept_.needs_digest()) {
      result_.digest = packed_hash_.finish_sha256();
    }
    kept_.finish(result_);
    return result_;
  }

 private:
  void open_archives() const {
    std::set<std::size_t> read;
    for (std::size_t i = 0; i < chunks_.size(); ++i) {
      for (std::size_t k = chunks_[i].first; k < chunks_[i].last && !kept_.has(i); ++k) {
        if (const auto* file = std::get_if<StoreFile>(&entries_[k].content)) read.insert(file->wheel);
      }
    }
    wheels_.expect(std::vector<std::size_t>(read.begin(), read.end()), options_.jobs);
  }

  bool is_plain() const { return options_.compression == LayerCompression::none; }
  // Whether the bytes of the tar are wanted when they are compressed.
  bool keeps_tar() const { return is_plain() || kept_.needs_diff_id(); }

  // The file of an edited object; nullptr for every other entry.
  const TemporaryFile* made_file(const FlatEntry& entry) const {
    if (!std::holds_alternative<EntryBytes>(entry.content)) return nullptr;
    const std::optional<MadeEntry>& made = made_.at(entry.entry.value());
    return made && made->file ? &*made->file : nullptr;
  }

  void take(std::size_t index, Part& part) {
    try {
      take_spare(part);
      tar_sizes_[index] = kept_.take(index, part.packed, part.tar);
    } catch (...) {
      failed_.store(true);
      throw;
    }
  }

  void make(std::size_t index, Part& part) {
    const LayerChunk& chunk = chunks_[index];
    MatchFrame& frame = scratch().frame;
    try {
      take_spare(part);
      if (!keeps_tar()) part.tar.swap(scratch().tar);
      part.tar.reserve(likely_tar);
      std::size_t packed_to = 0;  // what of part.tar is in part.packed
      if (chunk.large) {
        make_piece(chunk, part, packed_to);
      } else {
        for (std::size_t i = chunk.first; i < chunk.last; ++i) add_entry(entries_[i], part, packed_to);
      }
      if (index + 1 == chunks_.size()) {
        append_tar_end(part.tar);
        if (frame.is_open()) frame.tell_zeros(part.tar);
      }
      pack(part, packed_to);
      tar_sizes_[index] = part.tar.size() - part.skip;
      finish(index, part);
      if (!keeps_tar()) {
        part.tar.clear();
        part.skip = 0;
        part.tar.swap(scratch().tar);
      }
    } catch (...) {
      frame.abandon();
      scratch().tar.clear();
      scratch().unhashed.clear();
      failed_.store(true);
      throw;
    }
  }

  // All that is to be hashed, at once (base/sha256_lanes.h): the files of a chunk, and the chunk that is
  // kept.
  void finish(std::size_t index, Part& part) {
    std::vector<Unhashed>& unhashed = scratch().unhashed;
    std::vector<std::string_view>& texts = scratch().texts;
    std::vector<Sha256>& digests = scratch().digests;
    // Large texts first make the best of it.
    std::stable_sort(unhashed.begin(), unhashed.end(),
                     [](const Unhashed& a, const Unhashed& b) { return a.size > b.size; });
    texts.clear();
    if (kept_.keeps()) {
      kept_.seal(index, part.packed, tar_sizes_[index]);
      texts.push_back(part.packed);
    }
    const std::size_t files_from = texts.size();
    for (const Unhashed& file : unhashed)
      texts.push_back(std::string_view(part.tar).substr(file.begin, file.size));
    digests.resize(texts.size());
    sha256_each(texts, digests);
    for (std::size_t i = 0; i < unhashed.size(); ++i)
      wheels_.compare(unhashed[i].file, unhashed[i].size, digests[files_from + i]);
    unhashed.clear();
    if (kept_.keeps()) kept_.keep(index, part.packed, digests[0]);
  }

  // Memory of parts that are written: what comes fresh from the kernel is paid for page by page.
  void take_spare(Part& part) {
    const std::lock_guard lock(spare_mutex_);
    if (spare_.empty()) return;
    part = std::move(spare_.back());
    spare_.pop_back();
  }
  void give_spare(Part& part) {
    part.tar.clear();
    part.skip = 0;
    part.packed.clear();
    const std::lock_guard lock(spare_mutex_);
    spare_.push_back(std::move(part));
  }

  // Compresses what of the tar is not compressed yet.
  void pack(Part& part, std::size_t& packed_to) const {
    MatchFrame& frame = scratch().frame;
    const std::string_view bytes = std::string_view(part.tar).substr(packed_to);
    packed_to = part.tar.size();
    if (frame.is_open()) {
      frame.close(part.tar, part.packed);
      return;
    }
    if (bytes.empty()) return;
    if (options_.compression == LayerCompression::gzip) append_gzip_member(part.packed, bytes);
    if (options_.compression == LayerCompression::zstd) append_zstd_frame(part.packed, bytes);
  }

  bool may_splice() const {
    return options_.compression == LayerCompression::gzip && options_.deflate == Deflate::splice;
  }
  bool has_matches(const FlatEntry& entry) const {
    if (options_.compression != LayerCompression::zstd || options_.deflate != Deflate::splice) return false;
    const auto* file = std::get_if<StoreFile>(&entry.content);
    return entry.kind == FlatKind::file && file != nullptr && wheels_.is_deflated(*file);
  }

  void add_header(const FlatEntry& entry, std::string& tar) const {
    append_tar_header(tar, tar_member(plan_, entries_, entry, options_));
  }

  void add_entry(const FlatEntry& entry, Part& part, std::size_t& packed_to) const {
    MatchFrame& frame = scratch().frame;
    const std::uint64_t size = entry.kind == FlatKind::file ? entry.written.value().size : 0;
    const bool matches = has_matches(entry);
    if (matches && !frame.is_open()) {
      pack(part, packed_to);
      frame.open(part.tar, MatchFrame::Writing::at_once);
    } else if (!matches && frame.is_open() && size > max_literal) {
      pack(part, packed_to);
    }
    add_header(entry, part.tar);
    if (frame.is_open()) frame.tell_header(part.tar);
    if (size == 0) return check_empty(entry);
    if (matches) {
      WheelSet::Matches& file = scratch().matches;
      file.begin(wheels_, std::get<StoreFile>(entry.content));
      const std::size_t begin = part.tar.size();
      frame.read(part.tar, file, size, 0);
      file.end_reading();
      scratch().unhashed.push_back(
          {std::get<StoreFile>(entry.content), begin, static_cast<std::size_t>(size)});
    } else {
      add_content(entry, size, part, packed_to);
      if (frame.is_open()) frame.tell_literals(part.tar);
    }
    append_tar_padding(part.tar, size);
    if (frame.is_open()) frame.tell_zeros(part.tar);
  }

  // An empty file is read too: it must be what was promised.
  void check_empty(const FlatEntry& entry) const {
    const auto* file = std::get_if<StoreFile>(&entry.content);
    if (entry.kind == FlatKind::file && file != nullptr) wheels_.read(*file, scratch().buffer);
  }

  void add_content(const FlatEntry& entry, std::uint64_t size, Part& part, std::size_t& packed_to) const {
    if (const auto* file = std::get_if<StoreFile>(&entry.content)) {
      const Archive::Unpacked content = wheels_.read_only(*file, scratch().buffer);
      scratch().unhashed.push_back({*file, part.tar.size(), content.plain.size()});
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
      if (generated != nullptr) {
        part.tar += generated->bytes;
      } else if (const TemporaryFile* file_made = made_file(entry)) {
        append_range(*file_made, 0, size, part.tar);
      } else {
        part.tar += made_.at(index).value().bytes;
      }
    }
  }

  static void append_range(const TemporaryFile& file, std::uint64_t offset, std::uint64_t size,
                           std::string& tar) {
    const std::size_t begin = tar.size();
    tar.resize(begin + static_cast<std::size_t>(size));
    pread_exactly(file.fd(), tar.data() + begin, static_cast<std::size_t>(size), offset, file.path());
  }

  void make_piece(const LayerChunk& chunk, Part& part, std::size_t& packed_to) {
    const FlatEntry& entry = entries_[chunk.first];
    const std::uint64_t size = entry.written.value().size;
    const bool is_first = chunk.offset == 0;
    const std::uint64_t count = std::min(layer_piece, size - chunk.offset);
    const bool is_last = chunk.offset + count == size;
    LargeFile& large = *large_[*chunk.large];
    const bool matches = has_matches(entry);
    MatchFrame& frame = scratch().frame;
    if (is_first) {
      if (matches) frame.open(part.tar, MatchFrame::Writing::at_close);
      add_header(entry, part.tar);
      matches ? frame.tell_header(part.tar) : pack(part, packed_to);
    }
    if (const TemporaryFile* made = made_file(entry)) {
      append_range(*made, chunk.offset, count, part.tar);
      if (is_last) append_tar_padding(part.tar, size);
      if (is_first) kept_.compared(*chunk.large);  // its digest is of these bytes
      return;
    }
    const StoreFile file = std::get<StoreFile>(entry.content);
    {
      std::unique_lock lock(large.mutex);
      wait_for(large.changed, lock, large.done, chunk.offset);
      if (matches) {
        read_matches(large, file, count, part, packed_to);
        if (is_last) large.matches->end_reading();
      } else {
        read_piece(large, file, count, part, packed_to);
        if (large.spliced && is_last) append_gzip_end(part.packed, large.pieces->crc32(), size);
        if (is_last) large.pieces.reset();
      }
      large.done += count;
      large.changed.notify_all();
    }
    if (matches) {
      // The next piece is being inflated meanwhile.
      std::unique_lock lock(large.hash_mutex);
      wait_for(large.hash_changed, lock, large.hashed, chunk.offset);
      large.matches->hash(std::string_view(part.tar).substr(part.tar.size() - count));
      if (is_last) large.matches->end_hashing();
      large.hashed += count;
      large.hash_changed.notify_all();
    }
    if (!is_last) return;
    kept_.compared(*chunk.large);
    append_tar_padding(part.tar, size);
    if (matches) frame.tell_zeros(part.tar);
  }

  void wait_for(std::condition_variable& changed, std::unique_lock<std::mutex>& lock,
                const std::uint64_t& what, std::uint64_t value) const {
    while (what != value) {
      changed.wait_for(lock, std::chrono::milliseconds(100));
      throw_if_interrupted();
      if (failed_.load()) throw Abandoned{};
    }
  }

  void read_piece(LargeFile& large, const StoreFile& file, std::uint64_t count, Part& part,
                  std::size_t& packed_to) const {
    if (!large.pieces) {
      large.pieces = std::make_unique<WheelSet::Pieces>(wheels_, file);
      large.spliced = may_splice() && large.pieces->has_packed();
      if (large.spliced) append_gzip_begin(part.packed);
    }
    large.pieces->read(count, part.tar, large.spliced ? &part.packed : nullptr);
    if (large.spliced) packed_to = part.tar.size();
  }

  // Each piece is a frame. What matches lead to, the end of the piece before, goes before it and is skipped.
  void read_matches(LargeFile& large, const StoreFile& file, std::uint64_t count, Part& part,
                    std::size_t& packed_to) const {
    MatchFrame& frame = scratch().frame;
    if (!large.matches) {
      large.matches = std::make_unique<WheelSet::Matches>();
      large.matches->begin(wheels_, file);
    } else {
      part.tar = large.tail;
      part.skip = packed_to = part.tar.size();
      frame.open(part.tar, MatchFrame::Writing::at_close);
    }
    const std::size_t begin = part.tar.size();
    frame.read(part.tar, *large.matches, count, part.skip);
    const std::size_t end = part.tar.size();
    large.tail.assign(part.tar, end - std::min(deflate_window, end - begin + part.skip), std::string::npos);
  }

  void put(Part& part) {
    const std::string_view tar = std::string_view(part.tar).substr(part.skip);
    if (kept_.needs_diff_id()) tar_hash_.update(tar);
    if (kept_.needs_digest() && !is_plain()) packed_hash_.update(part.packed);
    const std::string_view bytes = is_plain() ? tar : std::string_view(part.packed);
    result_.size += bytes.size();
    sink_(bytes);
    give_spare(part);
  }

  const Plan& plan_;
  const std::vector<FlatEntry>& entries_;
  const MadeBytes& made_;
  const WheelSet& wheels_;
  const LayerOptions& options_;
  const std::function<void(std::string_view)>& sink_;
  std::vector<LayerChunk> chunks_;
  KeptChunks kept_;
  std::vector<std::unique_ptr<LargeFile>> large_;
  std::vector<std::uint64_t> tar_sizes_;  // by chunk
  std::mutex spare_mutex_;
  std::vector<Part> spare_;
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

LayerDigest write_layer(const Plan& plan, const std::vector<FlatEntry>& entries, const MadeBytes& made,
                        const WheelSet& wheels, const LayerOptions& options,
                        const std::function<void(std::string_view)>& sink) {
  return LayerWriter(plan, entries, made, wheels, options, sink).run();
}

}  // namespace axle
