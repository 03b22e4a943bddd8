// Unpacking.
//
// Problem. A cold install is inflating, hashing and creating files; all processors should be busy until the
// end, whether there are a hundred small wheels or one of 3 GB, in bounded memory, and nothing may be
// published that was not verified.
//
// Algorithm. Three phases over all wheels. (1) Each archive is opened, audited, and its dist-info read; its
// directories are made in a staging directory. (2) Members are cut into chunks of about 256 KiB; chunks of
// all wheels, and the hashing of each archive, are tasks, largest first. Each member is inflated, hashed,
// compared with RECORD and written in one go. (3) Each wheel's facts are put together and written, and the
// staging directory is renamed to its place. A barrier between phases costs little, because the tasks of a
// phase are small.

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
#include "base/parallel.h"
#include "base/text.h"
#include "store/publish.h"
#include "store/scratch.h"
#include "store/store_impl.h"

namespace axle {
namespace {

constexpr std::uint64_t chunk_bytes = 256U << 10;
constexpr std::size_t chunk_members = 128;
constexpr std::uint64_t stream_above = 4U << 20;

struct Work {
  UnpackJob* job;
  std::unique_ptr<Archive> archive;
  WheelHead head;
  std::unique_ptr<ScratchDirectory> staging;  // on its way into a store
  Fd place;                                   // or where it stays
  std::vector<MemberFacts> members;
  std::atomic<bool> failed{false};
  std::mutex failure_mutex;

  int dir() const { return staging ? staging->fd() : place.get(); }

  void fail(std::exception_ptr failure) {
    const std::lock_guard lock(failure_mutex);
    if (!job->failure) job->failure = std::move(failure);
    failed.store(true, std::memory_order_relaxed);
  }
};

// A chunk of members [first, last), or the archive's hash when they are equal.
struct Task {
  Work* work;
  std::size_t first;
  std::size_t last;
  std::uint64_t weight;
};

std::string staged_path(const MemberRole& role) {
  return std::string(tree_prefix(role.scheme)) + "/" + role.path->str();
}

void make_staged_dirs(Work& work, StoreUse use) {
  const int root = work.dir();
  if (mkdirat(root, "tree", 0755) != 0) throw_errno("cannot create", "tree");
  const Fd tree = open_dir(root, "tree");
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
  work.archive = std::make_unique<Archive>(Archive::open(AT_FDCWD, source.path));
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

void add_tasks(Work& work, std::vector<Task>& tasks) {
  tasks.push_back({&work, 0, 0, work.archive->file_size() / 2});
  const std::span<const Member> members = work.archive->members();
  std::uint64_t bytes = 0;
  std::size_t first = 0;
  for (std::size_t i = 0; i < members.size(); ++i) {
    bytes += members[i].size;
    if (bytes < chunk_bytes && i + 1 - first < chunk_members && i + 1 < members.size()) continue;
    tasks.push_back({&work, first, i + 1, bytes});
    first = i + 1;
    bytes = 0;
  }
}

class MemberWriter {
 public:
  MemberWriter(Work& work, const UnpackOptions& options)
      : work_(work), options_(options), tree_(open_dir(work.dir(), "tree")) {}

  void write(std::size_t index) {
    const MemberRole& role = work_.head.roles[index];
    if (!role.path) return;
    const Member& member = work_.archive->members()[index];
    const Fd file = create(role, index);
    const std::string& name = member.name;
    if (member.size > stream_above) {
      MemberInspector inspector(work_.head, index);
      work_.archive->stream(member, [&](std::string_view piece) {
        throw_if_interrupted();
        inspector.update(piece);
        write_all(file, piece, name);
        if (options_.progress) options_.progress(piece.size());
      });
      work_.members[index] = inspector.finish([&](std::uint64_t offset, char* into, std::size_t size) {
        const ssize_t got = pread(file.get(), into, size, static_cast<off_t>(offset));
        return got == static_cast<ssize_t>(size);
      });
    } else {
      const std::string_view content = work_.archive->read(member, buffer());
      work_.members[index] = inspect_member(work_.head, index, content);
      write_all(file, content, name);
      if (options_.progress) options_.progress(content.size());
    }
    set_mtime(file, options_.mtime_ns.value_or(work_.head.mtimes[index] * 1'000'000'000), name);
  }

 private:
  static ReadBuffer& buffer() {
    thread_local ReadBuffer reused;
    return reused;
  }

  Fd create(const MemberRole& role, std::size_t index) {
    const std::string path = staged_path(role);
    const std::uint32_t shared_mode = role.executable ? 0555 : 0444;
    const std::uint32_t mode = options_.use == StoreUse::shared ? shared_mode : shared_mode | 0200;
    Fd file(openat(tree_.get(), path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode));
    if (!file && errno == EEXIST) {
      // The root and .data bring the same file. This one is only read and compared; make_facts refuses it if
      // it differs.
      const std::string aside = path + "\n" + std::to_string(index);  // no member can be named so
      file = Fd(openat(tree_.get(), aside.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode));
      if (file) unlinkat(tree_.get(), aside.c_str(), 0);
    }
    if (!file) throw_errno("cannot create", path);
    return file;
  }

  Work& work_;
  const UnpackOptions& options_;
  Fd tree_;
};

void run_task(const Task& task, const UnpackOptions& options) {
  Work& work = *task.work;
  if (work.failed.load(std::memory_order_relaxed)) return;
  try {
    if (task.first == task.last) {
      work.job->sha256 = hash_file(work.archive->fd(), work.job->source->path);
      if (options.verify != VerifyLevel::none) {
        check_archive_hash(*work.job->source, work.archive->fd(), work.job->sha256);
      }
      return;
    }
    MemberWriter writer(work, options);
    for (std::size_t i = task.first; i < task.last; ++i) writer.write(i);
  } catch (...) {
    work.fail(std::current_exception());
  }
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
  if (source.hashes.empty()) return;
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

// `place(work, i)` gives each its directory, before anything is made in it.
void unpack_all(const Fd& root, std::vector<UnpackJob>& jobs, const UnpackOptions& options,
                const std::function<void(Work&, std::size_t)>& place) {
  const ExactModes exact;
  std::vector<std::unique_ptr<Work>> works(jobs.size());
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    works[i] = std::make_unique<Work>();
    works[i]->job = &jobs[i];
  }
  const auto guarded = [&](const std::function<void(Work&, std::size_t)>& body) {
    parallel_for(works.size(), options.jobs, [&](std::size_t i) {
      if (works[i]->failed) return;
      try {
        body(*works[i], i);
      } catch (...) {
        works[i]->fail(std::current_exception());
      }
    });
  };

  guarded([&](Work& work, std::size_t i) {
    place(work, i);
    open_work(work, options.use);
  });
  std::vector<Task> tasks;
  for (const auto& work : works) {
    if (!work->failed) add_tasks(*work, tasks);
  }
  std::stable_sort(tasks.begin(), tasks.end(),
                   [](const Task& a, const Task& b) { return a.weight > b.weight; });
  parallel_for(tasks.size(), options.jobs, [&](std::size_t i) { run_task(tasks[i], options); });
  guarded([&](Work& work, std::size_t) { finish_work(work, root); });
  for (const auto& work : works) {
    if (work->failed) prefer_hash_failure(*work);
  }
}

}  // namespace

void unpack_wheels(const Fd& store, std::vector<UnpackJob>& jobs, const UnpackOptions& options) {
  unpack_all(store, jobs, options, [&](Work& work, std::size_t) {
    work.staging = std::make_unique<ScratchDirectory>(store, "unpack");
  });
}

void unpack_wheels_below(const Fd& root, std::vector<UnpackJob>& jobs, const UnpackOptions& options) {
  unpack_all(root, jobs, options, [&](Work& work, std::size_t i) {
    const std::string name = std::to_string(i);
    make_dir(root.get(), name);
    work.place = open_dir(root.get(), name);
  });
}

}  // namespace axle
