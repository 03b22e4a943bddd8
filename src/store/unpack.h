#pragma once
// Verifying and unpacking many wheels at once.

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "axle/archive/archive.h"
#include "axle/store/store.h"
#include "axle/wheel/inspect.h"
#include "base/fd.h"

namespace axle {

// One wheel on its way into the store. A failure is kept, so that the first source's is the one reported.
struct UnpackJob {
  const WheelSource* source = nullptr;
  std::optional<Sha256> received;  // of the archive, when it was hashed, and compared, as it came
  std::shared_ptr<const std::string> bytes = {};  // of the archive, when it is no file
  std::function<void()> done = {};  // called when it is done or has failed, on any thread; must not throw
  Sha256 sha256;                    // of the archive, when done
  std::optional<WheelFacts> facts;  // when done
  std::exception_ptr failure;
};

struct UnpackOptions {
  VerifyLevel verify = VerifyLevel::record;
  unsigned jobs = 1;
  StoreUse use = StoreUse::shared;
  Store::Progress progress;
  std::optional<std::int64_t> mtime_ns;  // of all files; none: those of the archive
};

// Unpacks, verifies and publishes wheels on threads of its own, from when they are added on. While it lives
// the umask is 0.
class Unpacking {
 public:
  // Into the store whose root is `store`, with up to `helpers` threads beside the one that waits.
  Unpacking(const Fd& store, UnpackOptions options, unsigned helpers);
  ~Unpacking();  // abandons what was not begun
  Unpacking(const Unpacking&) = delete;
  Unpacking& operator=(const Unpacking&) = delete;

  // The job must stay where it is; it is not to be looked at before it is done.
  void add(UnpackJob& job);
  // Takes part until all are done.
  void wait();
  // Does one piece of it that takes some milliseconds at most; false when there is none.
  bool work_once();
  // What waits to be unpacked, in bytes to be worked through.
  std::uint64_t waiting() const noexcept;
  bool any_failed() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Without a store: wheel i goes to "<i>/tree" below `root`, in the same shape. Failures are left in the jobs.
void unpack_wheels_below(const Fd& root, std::vector<UnpackJob>& jobs, const UnpackOptions& options);

// What RECORD got wrong, judged by the level: thrown as Error(integrity), or a note. A wheel whose archive
// was pinned by a hash is what its author published.
void judge_record(const WheelFacts& facts, const WheelSource& source, VerifyLevel level, Diagnostics& notes);

// Throws Error(integrity) unless one of the expected hashes is that of the file.
void check_archive_hash(const WheelSource& source, const Fd& archive, const Sha256& sha256);
// In bounded memory.
Sha256 hash_file(const Fd& fd, const std::string& name);
std::string hash_file(const Fd& fd, const std::string& name, HashAlgorithm algorithm);  // raw bytes

}  // namespace axle
