#pragma once
// The store: wheels unpacked once, found by the SHA-256 of their archives, shared by all environments and
// processes. docs/store-format.md is its page on the disk format.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "axle/base/diagnostic.h"
#include "axle/base/digest.h"
#include "axle/wheel/facts.h"

namespace axle {

class Fd;

// How far a wheel is believed (docs/cli.md, --verify).
enum class VerifyLevel { record, strict, archive, none };

// Whether the store's files may be written to: a shared store's may not; those of a store that only one
// environment uses for the length of a command become that environment's.
enum class StoreUse { shared, once };

// A wheel in a local file.
struct WheelSource {
  std::string path;          // of the archive; may be empty when a hash names a wheel in the store
  std::string file_name;     // NAME-VERSION-TAGS.whl
  std::vector<Hash> hashes;  // expected; one that matches suffices, none: not pinned
  std::optional<std::uint64_t> size;
};

struct StoreOptions {
  VerifyLevel verify = VerifyLevel::record;
  unsigned jobs = 1;
};

// What a wheel is in the store. `bytes` counts unpacked files.
struct StoredWheel {
  Sha256 sha256;          // its name in the store: WheelFacts::store_id()
  Sha256 archive;         // the wheel's own digest
  std::string byte_code;  // of a wheel with byte-code: for which interpreter; "" else
  std::string file_name;
  std::uint64_t bytes = 0;
  std::int64_t used_ns = 0;  // when it was last used, nanoseconds since 1970
};

// One object may be used by several threads unless a function says otherwise.
class Store {
 public:
  // Creates the directories on demand. Throws Error(io).
  static Store open(std::string path, StoreUse use = StoreUse::shared);
  Store(Store&&) noexcept;
  Store& operator=(Store&&) noexcept;
  ~Store();

  const std::string& path() const noexcept;  // absolute
  const Fd& root() const noexcept;
  StoreUse use() const noexcept;
  // The unpacked files of a wheel, relative to the root: "wheels/<hex>/tree". `wheel` is
  // WheelFacts::store_id(), here and below.
  static std::string tree_path(const Sha256& wheel);

  // nullopt when it is not there, or not of this format version.
  std::optional<WheelFacts> find(const Sha256& wheel) const;
  // By the lock's hashes, without looking at any archive. Where there are several (of all files of a
  // version), the wheel's file name must be the source's.
  std::optional<WheelFacts> find(const WheelSource& source) const;

  // The facts of all sources, in their order; what is not in the store is verified, unpacked and published.
  // Nothing is published unless its archive and, as far as the level asks, its files are right. Warnings go
  // to `notes`. `progress(bytes)` is called from any thread as unpacked bytes are written. Throws
  // Error(integrity | bad_input | unsupported | io), of the first source in their order that fails.
  using Progress = std::function<void(std::uint64_t bytes)>;
  std::vector<WheelFacts> ensure(std::span<const WheelSource> sources, const StoreOptions& options,
                                 Diagnostics& notes, const Progress& progress = {});

  // Archives as they were downloaded, for those that read archives (layers). The path of one; nullopt when it
  // is not kept. Whoever reads it checks its hash.
  std::optional<std::string> find_archive(const WheelSource& source) const;
  // Moves a file of this store's file system there; gives its path.
  std::string keep_archive(const std::string& path, const Sha256& sha256) const;
  std::vector<StoredWheel> archives() const;  // sorted by digest; `bytes` is the archive's size
  void remove_archive(const Sha256& sha256) const;

  // Remembers that the environment at `path` uses this store, so that gc keeps what it needs.
  void register_environment(const std::string& path) const;
  std::vector<std::string> environments() const;

  std::vector<StoredWheel> wheels() const;  // sorted by digest
  void remove(const Sha256& wheel) const;
  // What is wrong with a wheel's files, by their digests; empty: nothing.
  Diagnostics verify(const Sha256& wheel, unsigned jobs) const;
  // Removes what killed commands left. Returns the bytes freed.
  std::uint64_t remove_leftovers() const;

 private:
  friend class StoreExclusive;
  struct Impl;
  explicit Store(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// While it lives, no other process has the store open; waits for those that have.
class StoreExclusive {
 public:
  explicit StoreExclusive(const Store& store);
  ~StoreExclusive();
  StoreExclusive(const StoreExclusive&) = delete;
  StoreExclusive& operator=(const StoreExclusive&) = delete;

 private:
  const Store& store_;
};

}  // namespace axle
