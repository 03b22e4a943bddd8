#pragma once
// Wheels to read from without an environment between: each in its archive, verified, or in the store.
//
// An archive that is not in the store would have to be inflated twice: once for its facts (the plan needs the
// digest of every file), once for its bytes. RECORD promises those digests, and it is nearly always right. So
// the facts are put together from what RECORD promises, and every file is compared with them when it is read.
// Where a promise turns out to be wrong, reading fails, disproved() is true, and the caller begins again with
// facts from the contents, which say what --verify makes of it.
//
// Facts whose promises were all found true are kept (store/layer_cache.h). An archive whose facts are known
// by its pinned hash is opened, and hashed, when a file of it is read, and not before.

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "axle/archive/archive.h"
#include "axle/archive/matches.h"
#include "axle/plan/plan.h"
#include "axle/store/store.h"
#include "base/fd.h"
#include "store/layer_cache.h"

namespace axle {

enum class FactsFrom { record, contents };

struct WheelSetOptions {
  VerifyLevel verify = VerifyLevel::record;
  unsigned jobs = 1;
  FactsFrom facts = FactsFrom::record;
  const LayerCache* cache = nullptr;  // where facts are looked for
};

class WheelSet {
 public:
  // Sources with a path are archives: their hashes are checked at once. Those without must be in the store.
  // `store` may be nullptr. Throws as Store::ensure does, for the first source that fails.
  static WheelSet open(std::span<const WheelSource> sources, const Store* store,
                       const WheelSetOptions& options, Diagnostics& notes);
  // Wheels that are in the store, as they are there.
  static WheelSet unpacked(std::span<const WheelFacts> wheels, const Store& store);
  WheelSet(WheelSet&&) noexcept;
  ~WheelSet();

  std::size_t size() const noexcept;
  const WheelFacts& facts(std::size_t wheel) const;  // in the order of the sources
  bool in_archive(std::size_t wheel) const;
  // These wheels will be read: their archives are opened at once, which is faster than one after the other.
  void expect(std::span<const std::size_t> wheels, unsigned jobs) const;
  // True after a file was unlike what RECORD promises.
  bool disproved() const noexcept;
  // Reads the files that nobody read so far of wheels whose facts are promises, so that all of these hold
  // (one whose packed bytes are those of another that was read is not inflated again); then `cache` keeps
  // them. Throws as read() does.
  void prove_rest(unsigned jobs, LayerCache* cache) const;

  // Files up to this size are read whole, larger ones in pieces.
  static constexpr std::uint64_t max_whole = 4U << 20;

  // A whole file, compared with its facts; `packed` is its deflate stream, when it comes from an archive and
  // has one. The views live until the buffer is used again. Thread-safe.
  struct Buffer {
    ReadBuffer archive;
    std::string store;
  };
  Archive::Unpacked read(const StoreFile& file, Buffer& buffer) const;
  // The same in two steps, so that several files can be hashed at once. compare() throws where read() would.
  Archive::Unpacked read_only(const StoreFile& file, Buffer& buffer) const;
  void compare(const StoreFile& file, std::uint64_t size, const Sha256& sha256) const;
  std::uint32_t crc32(const StoreFile& file) const;  // of a file in an archive

  // The same in pieces. One object is for one thread at a time; it must not outlive the set.
  class Pieces {
   public:
    Pieces(const WheelSet& set, const StoreFile& file);
    Pieces(Pieces&&) noexcept;
    ~Pieces();
    // True when the deflate stream can be had.
    bool has_packed() const;
    std::uint32_t crc32() const;  // of the whole file, when it can
    // Puts up to `size` bytes (less only at the end of the file) at the end of `plain`, and the packed bytes
    // taken in for them (at the end of the file: all that are left) at the end of `packed`.
    void read(std::uint64_t size, std::string& plain, std::string* packed);

   private:
    struct State;
    std::unique_ptr<State> state_;
  };

  // True for a file that lies deflated in an archive: then its matches can be had.
  bool is_deflated(const StoreFile& file) const;
  // The bytes of such files with the matches that they are made of, one file after the other. Inflating and
  // hashing are apart, so that one thread may do this while another does that; each is for one at a time. Who
  // does not hash calls compare().
  class Matches {
   public:
    void begin(const WheelSet& set, const StoreFile& file);
    void read(const MatchReader::Target& target, MatchList& list);
    void end_reading();  // after the last byte
    void hash(std::string_view bytes);
    void end_hashing();  // after the last byte: compares with the facts

   private:
    MatchReader reader_;
    Hasher hasher_;
    std::uint64_t size_ = 0;
    const WheelSet* set_ = nullptr;
    StoreFile file_{};
  };

 private:
  struct Impl;
  friend class Pieces;
  friend class Matches;
  explicit WheelSet(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace axle
