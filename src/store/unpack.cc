// Unpacking.
//
// Problem. A cold install is inflating, hashing and creating files; all processors should be busy until the
// end, whether there are a hundred small wheels or one of 3 GB, whether all are there or arrive one by one,
// in bounded memory, and nothing may be published that was not verified.
//
// Algorithm. One queue of tasks, wheel by wheel, and the heaviest of a wheel first (base/task_queue.h). For
// each wheel a first task opens the archive, audits it, reads its dist-info and makes its directories in a
// staging directory; it adds a task for the archive's digest, and tasks that inflate, hash, compare with
// RECORD and write some members each. Whichever of these ends last puts the wheel's facts together, writes
// them, and renames the staging directory to its place. Few wheels are open at a time, the largest first, so
// the tasks at the end are small; and one wheel is done before the next, so that what it takes is free for
// others.
//
// Which members go together. Two texts of about the same length are hashed in little more than the time of
// one (base/sha256_lanes.h). So members of 64 KiB and more are taken in pairs of neighbours by size; smaller
// ones in the order in which they lie, some 256 KiB or 64 files; very large ones in pieces, several of them
// in one task.

#include "store/unpack.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <mutex>
#include <unordered_set>

#include "axle/base/error.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/sha256_lanes.h"
#include "base/task_queue.h"
#include "base/text.h"
#include "store/member_writer.h"
#include "store/publish.h"
#include "store/scratch.h"
#include "store/store_impl.h"

namespace axle {
namespace {

constexpr std::uint64_t chunk_weight = 256U << 10;
constexpr std::uint64_t large = 64U << 10;
// Of two members in one thread's memory.
constexpr std::uint64_t max_pair(unsigned jobs) { return (jobs > 8 ? 4U : 8U) << 20; }
// What all threads together may have in tasks of very large members: few threads take several in one task,
// because two are hashed at a time; many threads one each, because then the largest decides how long it
// takes.
constexpr std::uint64_t max_streamed = 96U << 20;
// What a thread that has to look after downloads does at one time.
constexpr std::uint64_t max_brief = 8U << 20;
constexpr std::size_t piece_size = 128U << 10;  // of an archive that is hashed
// Creating a file takes as long as working through so many bytes.
constexpr std::uint64_t file_weight = 4U << 10;

struct Work {
  UnpackJob* job;
  std::optional<Archive> archive;
  WheelHead head;
  std::unique_ptr<ScratchDirectory> staging;  // on its way into a store
  Fd place;                                   // or where it stays
  Fd tree;
  std::vector<MemberFacts> members;
  std::atomic<std::size_t> tasks{0};  // not yet done
  std::atomic<bool> failed{false};
  std::mutex failure_mutex;

  int dir() const { return staging ? staging->fd() : place.get(); }

  // Keeps the first failure.
  void guarded(const std::function<void()>& body) noexcept {
    if (failed.load(std::memory_order_relaxed)) return;
    try {
      throw_if_interrupted();
      body();
    } catch (...) {
      const std::lock_guard lock(failure_mutex);
      if (!job->failure) job->failure = std::current_exception();
      failed.store(true, std::memory_order_relaxed);
    }
  }
};

// Members that one task writes; none: the archive's hash.
struct Chunk {
  std::vector<std::uint32_t> members;
  std::uint64_t weight = 0;

  void add(std::uint32_t index, std::uint64_t size) {
    members.push_back(index);
    weight += size + file_weight;
  }
};

void make_staged_dirs(Work& work, StoreUse use) {
  const int root = work.dir();
  if (mkdirat(root, "tree", 0755) != 0) throw_errno("cannot create", "tree");
  work.tree = open_dir(root, "tree");
  const Fd& tree = work.tree;
  std::unordered_set<std::string> made;
  std::unordered_set<std::string> package_dirs;
  std::string last;
  for (const MemberRole& role : work.head.roles) {
    if (!role.path) continue;
    const std::string path = staged_path(role);
    const std::string dir = path.substr(0, path.rfind('/'));
    if (is_lib(role.scheme) && path.ends_with(".py")) package_dirs.insert(dir);
    if (dir == last) continue;
    last = dir;
    for (std::size_t end = dir.find('/');; end = dir.find('/', end + 1)) {
      const std::string part = dir.substr(0, end);
      if (made.insert(part).second && mkdirat(tree.get(), part.c_str(), 0755) != 0 && errno != EEXIST) {
        throw_errno("cannot create directory", part);
      }
      if (end == std::string::npos) break;
    }
  }
  if (use == StoreUse::shared) block_byte_code(tree, package_dirs, made);
}

void open_work(Work& work, StoreUse use) {
  const WheelSource& source = *work.job->source;
  work.archive.emplace(work.job->bytes ? Archive::open(std::move(work.job->bytes), source.path)
                                       : Archive::open(AT_FDCWD, source.path));
  if (source.size && *source.size != work.archive->file_size()) {
    throw Error(ErrorCode::integrity, Place{source.path},
                "has " + std::to_string(work.archive->file_size()) + " bytes, the lock says " +
                    std::to_string(*source.size),
                "the file is not the one that was locked: get it again, or lock again");
  }
  work.head = read_head(*work.archive, WheelFilename::parse(source.file_name), source.file_name);
  work.members.resize(work.head.roles.size());
  make_staged_dirs(work, use);
}

std::vector<Chunk> chunks_of(const Work& work, unsigned jobs) {
  const std::span<const Member> members = work.archive->members();
  std::vector<Chunk> chunks;
  std::vector<std::uint32_t> pairable;
  std::vector<std::uint32_t> very_large;
  Chunk small;
  for (std::uint32_t i = 0; i < members.size(); ++i) {
    if (!work.head.roles[i].path) continue;
    const std::uint64_t size = members[i].size;
    if (size > stream_above) {
      very_large.push_back(i);
    } else if (size >= large) {
      pairable.push_back(i);
    } else {
      small.add(i, size);
      if (small.weight >= chunk_weight) chunks.push_back(std::exchange(small, {}));
    }
  }
  const auto larger = [&](std::uint32_t a, std::uint32_t b) { return members[a].size > members[b].size; };
  std::stable_sort(very_large.begin(), very_large.end(), larger);
  std::stable_sort(pairable.begin(), pairable.end(), larger);
  for (std::size_t i = 0; i < very_large.size(); ++i) {
    const std::uint64_t size = members[very_large[i]].size;
    const bool fits = i > 0 && chunks.back().weight + size <= max_streamed / jobs;
    (fits ? chunks.back() : chunks.emplace_back()).add(very_large[i], size);
  }
  for (std::size_t i = 0; i < pairable.size(); ++i) {
    // The smallest may be left over: then it goes with small ones.
    Chunk& chunk = i + 1 < pairable.size() || small.members.empty() ? chunks.emplace_back() : small;
    chunk.add(pairable[i], members[pairable[i]].size);
    if (i + 1 == pairable.size() || chunk.weight + members[pairable[i + 1]].size > max_pair(jobs)) continue;
    ++i;
    chunk.add(pairable[i], members[pairable[i]].size);
  }
  if (!small.members.empty()) chunks.push_back(std::move(small));
  return chunks;
}

// Two archives at a time; the second may be missing.
void hash_archives(Work& first, Work* second) {
  if (second == nullptr) {
    first.job->sha256 = hash_file(first.archive->fd(), first.job->source->path);
    return;
  }
  const auto pieces_of = [](const Work& work) -> Pieces {
    std::shared_ptr<char[]> buffer(new char[piece_size]);
    return [&work, buffer, at = std::uint64_t{0}]() mutable -> std::string_view {
      throw_if_interrupted();
      const auto size =
          static_cast<std::size_t>(std::min<std::uint64_t>(piece_size, work.archive->file_size() - at));
      pread_exactly(work.archive->fd(), buffer.get(), size, at, work.job->source->path);
      at += size;
      return {buffer.get(), size};
    };
  };
  const auto digests = sha256_pair(pieces_of(first), pieces_of(*second));
  first.job->sha256 = digests[0];
  second->job->sha256 = digests[1];
}

void finish_work(Work& work, const Fd& root) {
  WheelFacts facts = make_facts(work.head, work.members, work.job->sha256);
  if (work.staging) {
    create_file(work.staging->fd(), "facts", facts.bytes(), {0644, std::nullopt});
    publish(root, *work.staging, wheel_dir(work.job->sha256), facts.bytes());
  }
  work.job->facts = std::move(facts);
}

// An archive that is not the one that was locked is reported as that, whatever else is wrong with it.
void prefer_hash_failure(Work& work) {
  const WheelSource& source = *work.job->source;
  if (source.hashes.empty() || work.job->received) return;
  try {
    const Fd archive = open_file(AT_FDCWD, source.path);
    check_archive_hash(source, archive, hash_file(archive, source.path));
  } catch (const Error& error) {
    if (error.code() == ErrorCode::integrity) work.job->failure = std::current_exception();
  }
}

}  // namespace

Sha256 hash_file(const Fd& fd, const std::string& name) {
  Sha256 digest;
  const std::string raw = hash_file(fd, name, HashAlgorithm::sha256);
  std::copy(raw.begin(), raw.end(), digest.bytes.begin());
  return digest;
}

std::string hash_file(const Fd& fd, const std::string& name, HashAlgorithm algorithm) {
  Hasher hasher(algorithm);
  // Small enough for the cache, so that what was read is hashed there; never cleared.
  constexpr std::size_t buffer_size = 256U << 10;
  const auto buffer = std::make_unique_for_overwrite<char[]>(buffer_size);
  for (std::uint64_t offset = 0;;) {
    throw_if_interrupted();
    const ssize_t got = pread(fd.get(), buffer.get(), buffer_size, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw_errno("cannot read", name);
    if (got == 0) return hasher.finish();
    hasher.update({buffer.get(), static_cast<std::size_t>(got)});
    offset += static_cast<std::uint64_t>(got);
  }
}

void check_archive_hash(const WheelSource& source, const Fd& archive, const Sha256& sha256) {
  if (source.hashes.empty()) return;
  std::string expected;
  for (const Hash& hash : source.hashes) {
    if (hash.algorithm == HashAlgorithm::sha256) {
      if (hash.hex == sha256.hex()) return;
    } else if (is_strong(hash.algorithm)) {
      if (hash.hex == to_hex(hash_file(archive, source.path, hash.algorithm))) return;
    }
    if (expected.size() < 300) expected += (expected.empty() ? "" : " or ") + hash.str();
  }
  throw Error(ErrorCode::integrity, Place{source.path},
              "has sha256:" + sha256.hex() + ", the lock says " + expected,
              "the file is not the one that was locked: get it again, or lock again");
}

namespace {

using Place = std::function<void(Work&)>;  // gives it its directory, before anything is made in it

class Unpacker {
 public:
  Unpacker(const Fd& root, UnpackOptions options, unsigned helpers)
      : root_(root), options_(std::move(options)), queue_(helpers) {}

  void add(UnpackJob& job, Place place) {
    const auto work = std::make_shared<Work>();
    work->job = &job;
    {
      const std::lock_guard lock(unhashed_mutex_);
      ++unopened_;
    }
    queue_.add_opening(size_of(job) + file_weight,
                       [this, work, place = std::move(place)] { open(work, place); });
  }

  void work() { queue_.work(); }
  bool work_once() { return queue_.work_once(max_brief); }
  std::uint64_t waiting() const noexcept { return queue_.waiting_weight(); }
  bool any_failed() const noexcept { return any_failed_.load(std::memory_order_acquire); }

 private:
  static std::uint64_t size_of(const UnpackJob& job) {
    if (job.bytes) return job.bytes->size();
    const auto status = try_stat(AT_FDCWD, job.source->path);
    return status ? static_cast<std::uint64_t>(status->st_size) : 0;  // opening says that there is none
  }

  void open(const std::shared_ptr<Work>& work, const Place& place) {
    const std::uint64_t group = ++opened_;
    std::vector<Chunk> chunks;
    work->guarded([&] {
      place(*work);
      open_work(*work, options_.use);
      chunks = chunks_of(*work, options_.jobs);
    });
    if (work->failed) {
      plan_hashing(group, nullptr);
      return finish(*work);
    }
    work->tasks = chunks.size() + 1;
    for (Chunk& chunk : chunks) {
      const std::uint64_t weight = chunk.weight;
      queue_.add(group, weight, [this, work, chunk = std::move(chunk)] {
        run(*work, [&] {
          const MemberTarget target{*work->archive, work->head,        work->tree,
                                    options_.use,   options_.mtime_ns, options_.progress};
          write_members(target, chunk.members, work->members);
        });
      });
    }
    if (work->job->received) {
      work->job->sha256 = *work->job->received;
      plan_hashing(group, nullptr);
      run(*work, [] {});
    } else {
      plan_hashing(group, work);
    }
  }

  // After each opening, with what has to be hashed.
  void plan_hashing(std::uint64_t group, const std::shared_ptr<Work>& work) {
    std::uint64_t size = 0;
    {
      const std::lock_guard lock(unhashed_mutex_);
      --unopened_;
      if (work) unhashed_.push_back(work);
      if (unhashed_.empty() || (!work && unopened_ > 0)) return;
      size = unhashed_.back()->archive->file_size();
    }
    queue_.add(group, size / 2, [this] { hash_two(); });
  }

  // There is one such task for each archive. It takes two, or leaves the only one to the task of a wheel that
  // is still to be opened.
  void hash_two() {
    std::shared_ptr<Work> works[2];
    {
      const std::lock_guard lock(unhashed_mutex_);
      if (unhashed_.size() == 1 && unopened_ > 0) return;
      for (std::shared_ptr<Work>& work : works) {
        const auto largest = std::max_element(
            unhashed_.begin(), unhashed_.end(),
            [](const auto& a, const auto& b) { return a->archive->file_size() < b->archive->file_size(); });
        if (largest == unhashed_.end()) break;
        work = std::move(*largest);
        unhashed_.erase(largest);
      }
    }
    if (!works[0]) return;
    std::exception_ptr failure;
    try {
      hash_archives(*works[0], works[1].get());
    } catch (...) {
      failure = std::current_exception();  // of one of them: each is tried alone
    }
    for (const std::shared_ptr<Work>& work : works) {
      if (!work) continue;
      run(*work, [&] {
        if (failure) hash_archives(*work, nullptr);
        if (options_.verify == VerifyLevel::none) return;
        check_archive_hash(*work->job->source, work->archive->fd(), work->job->sha256);
      });
    }
  }

  // One task of those of a wheel; the last one finishes it.
  void run(Work& work, const std::function<void()>& body) {
    work.guarded(body);
    if (work.tasks.fetch_sub(1, std::memory_order_acq_rel) == 1) finish(work);
  }

  void finish(Work& work) {
    work.guarded([&] { finish_work(work, root_); });
    if (work.failed) {
      prefer_hash_failure(work);
      any_failed_.store(true, std::memory_order_release);
    }
    if (work.job->done) work.job->done();
  }

  const Fd& root_;
  const UnpackOptions options_;
  const ExactModes exact_;
  std::mutex unhashed_mutex_;
  std::vector<std::shared_ptr<Work>> unhashed_;
  std::size_t unopened_ = 0;
  std::atomic<bool> any_failed_{false};
  std::atomic<std::uint64_t> opened_{0};
  TaskQueue queue_;  // last: its threads use all of the above
};

}  // namespace

struct Unpacking::Impl {
  const Fd& store;
  Unpacker unpacker;
};

Unpacking::Unpacking(const Fd& store, UnpackOptions options, unsigned helpers)
    : impl_(new Impl{store, {store, std::move(options), helpers}}) {}
Unpacking::~Unpacking() = default;

void Unpacking::add(UnpackJob& job) {
  impl_->unpacker.add(
      job, [this](Work& work) { work.staging = std::make_unique<ScratchDirectory>(impl_->store, "unpack"); });
}

void Unpacking::wait() { impl_->unpacker.work(); }
bool Unpacking::work_once() { return impl_->unpacker.work_once(); }
std::uint64_t Unpacking::waiting() const noexcept { return impl_->unpacker.waiting(); }
bool Unpacking::any_failed() const noexcept { return impl_->unpacker.any_failed(); }

void unpack_wheels_below(const Fd& root, std::vector<UnpackJob>& jobs, const UnpackOptions& options) {
  Unpacker unpacker(root, options, options.jobs - 1);
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    unpacker.add(jobs[i], [&root, i](Work& work) {
      const std::string name = std::to_string(i);
      make_dir(root.get(), name);
      work.place = open_dir(root.get(), name);
    });
  }
  unpacker.work();
}

}  // namespace axle
