// Each file is written into a scratch directory and gets its name by one rename. Its name is the digest of
// what it was made from and how, so whoever writes it writes the same, and nobody waits for anybody. Nothing
// is flushed to the disk: what a crash leaves half-written is found by the digest at the file's end, over the
// bytes and the name.

#include "store/layer_cache.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "axle/base/error.h"
#include "base/codec.h"
#include "base/file.h"
#include "base/text.h"
#include "store/store_impl.h"
#include "store/use_time.h"

namespace axle {
namespace {

constexpr const char* layers_root = "layers";
constexpr std::string_view record_magic = "AXLELAY1";
// Before the digest: the size that the bytes unpack to, little-endian, and the magic word.
constexpr std::string_view tail_magic = "AXLECHK1";
constexpr std::size_t tail_size = 8 + 8 + 32;
constexpr std::uint64_t max_file = 1U << 30;

constexpr std::array all_kinds{LayerFile::Kind::facts, LayerFile::Kind::chunk, LayerFile::Kind::record};

std::string folder(LayerFile::Kind kind) {
  switch (kind) {
    case LayerFile::Kind::facts:
      return "facts";
    case LayerFile::Kind::chunk:
      return "chunks";
    case LayerFile::Kind::record:
      break;
  }
  return "records";
}

std::string name_of(LayerFile::Kind kind, const Sha256& key) {
  return std::string(layers_root) + "/" + folder(kind) + "/" + key.hex();
}

std::string_view as_text(const Sha256& digest) {
  return {reinterpret_cast<const char*>(digest.bytes.data()), digest.bytes.size()};
}

// Where the digest will be there is the name while the digest is made, so that it is over both.
void append_tail(std::string& bytes, const Sha256& key, std::uint64_t raw_size) {
  for (int shift = 0; shift < 64; shift += 8) bytes += static_cast<char>((raw_size >> shift) & 0xff);
  bytes += tail_magic;
  bytes += as_text(key);
}

void put_digest(std::string& bytes, const Sha256& digest) {
  const std::string_view text = as_text(digest);
  bytes.replace(bytes.size() - text.size(), text.size(), text);
}

Sha256 digest_with_name(std::string_view body, const Sha256& key) {
  Hasher hasher;
  hasher.update(body);
  hasher.update(as_text(key));
  return hasher.finish_sha256();
}

// Takes the tail off; nullopt when it is not that of these bytes.
std::optional<std::uint64_t> take_tail(std::string& bytes, std::size_t begin, const Sha256& key) {
  const std::string_view all = std::string_view(bytes).substr(begin);
  if (all.size() < tail_size) return std::nullopt;
  const std::string_view body = all.substr(0, all.size() - 32);
  if (!body.ends_with(tail_magic) || all.substr(body.size()) != as_text(digest_with_name(body, key)))
    return std::nullopt;
  std::uint64_t raw_size = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    raw_size |= std::uint64_t{static_cast<unsigned char>(all[all.size() - tail_size + i])} << (8 * i);
  }
  bytes.resize(bytes.size() - tail_size);
  return raw_size;
}

// Puts a file to the end of `bytes`; false when it is not there or cannot be read. It is in use from now on.
bool read_named(const Store& store, const std::string& name, std::string& bytes) {
  const Fd fd(openat(store.root().get(), name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  struct stat status {};
  if (!fd || fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode)) return false;
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (size > max_file) return false;
  if (is_old_use(mtime_ns(status))) futimens(fd.get(), nullptr);
  const std::size_t begin = bytes.size();
  bytes.resize(begin + static_cast<std::size_t>(size));
  try {
    pread_exactly(fd, bytes.data() + begin, static_cast<std::size_t>(size), 0, name);
  } catch (const Error&) {
    bytes.resize(begin);
    return false;
  }
  return true;
}

std::optional<LayerRecord> parse_record(std::string_view bytes, const Sha256& key) {
  try {
    Decoder decoder(bytes, record_magic, "record");
    LayerRecord record;
    if (decoder.digest() != key) return std::nullopt;
    const std::uint64_t flags = decoder.number();
    if ((flags & 1) != 0) record.digest = decoder.digest();
    if ((flags & 2) != 0) record.diff_id = decoder.digest();
    record.size = decoder.number();
    record.tar_size = decoder.number();
    for (std::size_t i = decoder.count(); i > 0; --i) record.chunks.push_back(decoder.digest());
    for (std::size_t i = decoder.count(); i > 0; --i) record.archives.push_back(decoder.digest());
    return record;
  } catch (const Error&) {
    return std::nullopt;
  }
}

}  // namespace

LayerCache::LayerCache(const Store& store, std::string maker) : store_(store), maker_(std::move(maker)) {}

std::optional<WheelFacts> LayerCache::find_facts(const WheelSource& source) const {
  for (const Hash& hash : source.hashes) {
    if (hash.algorithm != HashAlgorithm::sha256) continue;
    const Sha256 key = *Sha256::from_hex(hash.hex);
    const std::string name = name_of(LayerFile::Kind::facts, key);
    std::string bytes;
    if (!read_named(store_, name, bytes) || !take_tail(bytes, 0, key)) continue;
    try {
      WheelFacts facts = WheelFacts::open(std::move(bytes), name);
      if (facts.wheel_sha256() != key) continue;
      if (source.hashes.size() == 1 || facts.file_name() == source.file_name) return facts;
    } catch (const Error& error) {
      if (error.code() != ErrorCode::bad_input) throw;  // else of another version: made anew
    }
  }
  return std::nullopt;
}

void LayerCache::keep_facts(const WheelFacts& facts) {
  std::string bytes(facts.bytes());
  append_tail(bytes, facts.wheel_sha256(), bytes.size());
  put_digest(bytes, Sha256::of(bytes));
  keep(name_of(LayerFile::Kind::facts, facts.wheel_sha256()), bytes);
}

bool LayerCache::has_chunk(const Sha256& key) const {
  struct stat status {};
  return fstatat(store_.root().get(), name_of(LayerFile::Kind::chunk, key).c_str(), &status,
                 AT_SYMLINK_NOFOLLOW) == 0 &&
         S_ISREG(status.st_mode);
}

std::optional<std::uint64_t> LayerCache::read_chunk(const Sha256& key, std::string& packed) const {
  const std::size_t begin = packed.size();
  if (!read_named(store_, name_of(LayerFile::Kind::chunk, key), packed)) return std::nullopt;
  const auto raw_size = take_tail(packed, begin, key);
  if (!raw_size) packed.resize(begin);
  return raw_size;
}

void LayerCache::seal_chunk(const Sha256& key, std::string& packed, std::uint64_t raw_size) {
  append_tail(packed, key, raw_size);
}

std::optional<LayerCache::Staged> LayerCache::stage_chunk(const Sha256& key, std::string& packed,
                                                          const Sha256& digest) {
  put_digest(packed, digest);
  auto staged = stage(name_of(LayerFile::Kind::chunk, key), packed);
  packed.resize(packed.size() - tail_size);
  return staged;
}

std::optional<LayerRecord> LayerCache::find_record(const Sha256& key) const {
  std::string bytes;
  if (!read_named(store_, name_of(LayerFile::Kind::record, key), bytes)) return std::nullopt;
  return parse_record(bytes, key);
}

void LayerCache::keep_record(const Sha256& key, const LayerRecord& record) {
  Encoder encoder(record_magic);
  encoder.digest(key);
  encoder.number((record.digest ? 1U : 0U) | (record.diff_id ? 2U : 0U));
  if (record.digest) encoder.digest(*record.digest);
  if (record.diff_id) encoder.digest(*record.diff_id);
  encoder.number(record.size);
  encoder.number(record.tar_size);
  encoder.number(record.chunks.size());
  for (const Sha256& chunk : record.chunks) encoder.digest(chunk);
  encoder.number(record.archives.size());
  for (const Sha256& archive : record.archives) encoder.digest(archive);
  keep(name_of(LayerFile::Kind::record, key), encoder.finish());
}

void LayerCache::keep(const std::string& name, std::string_view bytes) {
  if (const auto staged = stage(name, bytes)) publish(*staged);
}

std::optional<LayerCache::Staged> LayerCache::stage(const std::string& name, std::string_view bytes) {
  std::string temporary;
  try {
    {
      const std::lock_guard lock(mutex_);
      if (failure_) return std::nullopt;
      if (!scratch_) {
        remove_abandoned(store_.root());
        for (const LayerFile::Kind kind : all_kinds)
          make_dirs(store_.root().get(), store_.path() + "/" + layers_root + "/" + folder(kind));
        scratch_.emplace(store_.root(), "layer");
      }
      temporary = scratch_->path() + "/" + std::to_string(staged_++);
    }
    create_file(store_.root().get(), temporary, bytes, {});
    return Staged{temporary, name};
  } catch (const Error& error) {
    if (!temporary.empty()) unlinkat(store_.root().get(), temporary.c_str(), 0);
    fail(error);
    return std::nullopt;
  }
}

void LayerCache::publish(const Staged& staged) {
  try {
    rename_at(store_.root().get(), staged.temporary, store_.root().get(), staged.name);
  } catch (const Error& error) {
    fail(error);
  }
}

void LayerCache::fail(const Error& error) {
  const std::lock_guard lock(mutex_);
  if (failure_) return;
  // A store that is read-only is meant to be.
  const bool is_meant = faccessat(store_.root().get(), "tmp", W_OK, AT_EACCESS) != 0;
  failure_ = Diagnostic{is_meant ? Severity::note : Severity::warning,
                        "layer-not-kept",
                        "",
                        store_.path(),
                        error.what(),
                        "the layer is complete; the next one will take as long as this one"};
}

Diagnostics LayerCache::notes() const {
  const std::lock_guard lock(mutex_);
  if (!failure_) return {};
  return {*failure_};
}

std::vector<LayerFile> list_layer_files(const Store& store) {
  std::vector<LayerFile> files;
  for (const LayerFile::Kind kind : all_kinds) {
    const auto dir = try_open_dir(store.root().get(), std::string(layers_root) + "/" + folder(kind));
    if (!dir) continue;
    for (const DirEntry& entry : list_dir(*dir, folder(kind))) {
      const auto key = Sha256::from_hex(entry.name);
      const auto status = try_lstat(dir->get(), entry.name);
      if (!key || !status) continue;
      files.push_back({kind, *key, static_cast<std::uint64_t>(status->st_size), mtime_ns(*status)});
    }
  }
  return files;
}

std::vector<LayerFile> find_unused_layer_files(const Store& store, const std::vector<Sha256>& wheels,
                                               std::int64_t age_ns) {
  const auto is_in = [](const std::vector<Sha256>& sorted, const Sha256& key) {
    return std::binary_search(sorted.begin(), sorted.end(), key);
  };
  const std::int64_t now = now_ns();
  std::vector<LayerFile> files = list_layer_files(store);
  std::vector<Sha256> kept;  // keys of records and of chunks that belong to one that stays
  for (const LayerFile& file : files) {
    if (file.kind != LayerFile::Kind::record) continue;
    std::string bytes;
    // Not by LayerCache: looking is no use.
    if (const auto read = try_read_file(store.root().get(), name_of(file.kind, file.key), max_file))
      bytes = *read;
    const auto record = parse_record(bytes, file.key);
    if (!record) continue;
    const bool all_kept =
        !record->archives.empty() && std::all_of(record->archives.begin(), record->archives.end(),
                                                 [&](const Sha256& wheel) { return is_in(wheels, wheel); });
    if (!all_kept && now - file.used_ns >= age_ns) continue;
    kept.push_back(file.key);
    kept.insert(kept.end(), record->chunks.begin(), record->chunks.end());
  }
  std::sort(kept.begin(), kept.end());
  std::erase_if(files, [&](const LayerFile& file) {
    return now - file.used_ns < age_ns ||
           is_in(file.kind == LayerFile::Kind::facts ? wheels : kept, file.key);
  });
  return files;
}

Diagnostics verify_layer_file(const Store& store, const LayerFile& file) {
  const std::string name = name_of(file.kind, file.key);
  const auto bytes = try_read_file(store.root().get(), name, max_file);
  if (!bytes) return {};  // removed meanwhile
  std::string copy = *bytes;
  const bool is_right = file.kind == LayerFile::Kind::record ? parse_record(copy, file.key).has_value()
                                                             : take_tail(copy, 0, file.key).has_value();
  if (is_right) return {};
  return {{Severity::error, "store-damaged", "", name, "has changed",
           "axle store verify --repair removes it; the next layer makes it anew"}};
}

void remove_layer_file(const Store& store, const LayerFile& file) {
  unlink_at(store.root().get(), name_of(file.kind, file.key));
}

}  // namespace axle
