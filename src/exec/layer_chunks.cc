#include "exec/layer_chunks.h"

#include <algorithm>
#include <stdexcept>
#include <string_view>

#include "base/parallel.h"
#include "exec/compress.h"

namespace axle {
namespace {

// Bytes of the tar, without headers' PAX records. Chosen by measurement (docs/performance.md, "Layers"): a
// chunk's frame begins without knowing anything, so small ones cost bytes.
constexpr std::uint64_t min_chunk = 256U << 10;  // before a chunk ends with a distribution
constexpr std::uint64_t good_chunk = 1U << 20;   // before it ends with a directory
constexpr std::uint64_t max_chunk = 2U << 20;
constexpr std::size_t max_entries = 1024;

// To be counted up by whoever changes what bytes a chunk has: the cut does not matter, compressing does.
constexpr std::string_view key_version = "axle layer chunk 2";

void append_number(std::string& text, std::uint64_t value) {
  for (int shift = 0; shift < 64; shift += 8) text += static_cast<char>((value >> shift) & 0xff);
}
void append_text(std::string& text, std::string_view value) {
  append_number(text, value.size());
  text += value;
}
void append_digest(std::string& text, const Sha256& digest) {
  text.append(reinterpret_cast<const char*>(digest.bytes.data()), digest.bytes.size());
}

}  // namespace

std::vector<LayerChunk> cut_layer(const std::vector<FlatEntry>& entries,
                                  const std::function<bool(const FlatEntry&)>& in_pieces) {
  std::vector<LayerChunk> chunks;
  std::uint64_t bytes = 0;
  std::size_t first = 0, large = 0;
  DistId owner = environment_itself;  // of the entry before that had one
  const auto cut_before = [&](std::size_t end) {
    if (end > first) chunks.push_back({first, end, std::nullopt, 0});
    first = end;
    bytes = 0;
  };
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const FlatEntry& entry = entries[i];
    const std::uint64_t size = entry.kind == FlatKind::file ? entry.written.value().size : 0;
    // A directory on the way belongs to nobody.
    const bool is_other = entry.entry && entry.owner != owner;
    if (entry.entry) owner = entry.owner;
    if (bytes >= max_chunk || i - first >= max_entries || (bytes >= min_chunk && is_other) ||
        (bytes >= good_chunk && entry.kind == FlatKind::directory)) {
      cut_before(i);
    }
    if (size > layer_piece && in_pieces(entry)) {
      cut_before(i);
      for (std::uint64_t at = 0; at < size; at += layer_piece) chunks.push_back({i, i + 1, large, at});
      ++large;
      first = i + 1;
      continue;
    }
    bytes += size + tar_block;
  }
  cut_before(entries.size());
  return chunks;
}

TarMember tar_member(const Plan& plan, const std::vector<FlatEntry>& entries, const FlatEntry& entry,
                     const LayerOptions& options) {
  const auto path_of = [&](const FlatEntry& one) {
    const std::string root = plan.layout.root.substr(1);
    return one.path.empty() ? root : root + "/" + one.path;
  };
  TarMember member;
  member.path = path_of(entry);
  member.mode = entry.executable ? 0755 : 0644;
  member.mtime = options.mtime;
  member.uid = options.uid;
  member.gid = options.gid;
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
      member.link = path_of(entries[entry.link_to]);
      break;
    case FlatKind::store_link:
      throw std::logic_error("layer: " + entry.path + " is a link into the store");
  }
  return member;
}

std::vector<Sha256> chunk_keys(const Plan& plan, const std::vector<FlatEntry>& entries,
                               const std::vector<LayerChunk>& chunks, const WheelSet& wheels,
                               const LayerOptions& options, const std::string& maker) {
  std::string head;
  for (const std::string_view text : {key_version, std::string_view(maker), compressor_versions()})
    append_text(head, text);
  append_number(head, static_cast<std::uint64_t>(options.compression));
  append_number(head, static_cast<std::uint64_t>(options.deflate));
  for (const std::uint64_t number :
       {static_cast<std::uint64_t>(options.mtime), std::uint64_t{options.uid}, std::uint64_t{options.gid}})
    append_number(head, number);

  std::vector<Sha256> keys(chunks.size());
  parallel_for(chunks.size(), options.jobs, [&](std::size_t index) {
    const LayerChunk& chunk = chunks[index];
    thread_local std::string text;
    text = head;
    append_number(text, index + 1 == chunks.size() ? 1 : 0);  // the tar's end comes after it
    append_number(text, chunk.large ? 1 : 0);
    append_number(text, chunk.offset);
    for (std::size_t i = chunk.first; i < chunk.last; ++i) {
      const FlatEntry& entry = entries[i];
      const TarMember member = tar_member(plan, entries, entry, options);
      text += static_cast<char>(member.kind);
      append_number(text, member.mode);
      append_text(text, member.path);
      append_text(text, member.link);
      if (entry.kind != FlatKind::file) continue;
      append_number(text, member.size);
      append_digest(text, entry.written.value().sha256);
      // What of the compressed form comes from the archive: two may hold the same file in other forms.
      const auto* file = std::get_if<StoreFile>(&entry.content);
      const bool from_archive =
          options.deflate == Deflate::splice && file != nullptr && wheels.in_archive(file->wheel);
      text += from_archive ? 'a' : 'p';
      if (!from_archive) continue;
      append_digest(text, wheels.facts(file->wheel).wheel_sha256());
      append_number(text, file->file);
    }
    keys[index] = Sha256::of(text);
  });
  return keys;
}

}  // namespace axle
