#include "exec/wheel_set.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <mutex>

#include "axle/base/error.h"
#include "base/file.h"
#include "base/parallel.h"
#include "exec/open_wheel.h"
#include "store/unpack.h"

namespace axle {
struct WheelSet::Impl {
  const Store* store = nullptr;
  VerifyLevel verify = VerifyLevel::record;
  mutable std::vector<Opening> wheels;
  std::vector<Fd> trees;  // of those in the store
  mutable std::atomic<bool> disproved{false};

  explicit Impl(std::size_t count) : wheels(count) {}

  // The wheel, its archive open if it has one.
  const Opening& opened(std::size_t index) const {
    Opening& wheel = wheels.at(index);
    if (!wheel.is_late || wheel.is_opened.load()) return wheel;
    const std::lock_guard lock(wheel.mutex);
    if (wheel.is_opened.load()) return wheel;
    if (!open_late(wheel, verify)) {
      // One of several hashes of a lock may be that of another file: its facts were the wrong ones.
      disproved.store(true);
      throw Error(ErrorCode::integrity, Place{wheel.source->path},
                  "is another wheel than the one that is known");
    }
    wheel.is_opened.store(true);
    return wheel;
  }

  std::string path_in_store(const StoreFile& file) const {
    const WheelFacts& facts = *wheels[file.wheel].facts;
    return std::string(tree_prefix(facts.scheme_of(facts.file(file.file)))) + "/" + facts.path_of(file.file);
  }

  const Member& member(const StoreFile& file) const {
    const Opening& wheel = opened(file.wheel);
    const std::uint32_t index = wheel.member_of_file.at(file.file);
    if (index == no_member) {
      throw Error(ErrorCode::integrity, Place{wheel.source->path},
                  wheel.facts->path_of(file.file) + " is in the store's facts but not in the archive",
                  "axle store verify --repair removes damaged wheels");
    }
    return wheel.archive->members()[index];
  }

  [[noreturn]] void fail(const StoreFile& file) const {
    const Opening& wheel = wheels[file.wheel];
    const std::string path = wheel.facts->path_of(file.file);
    if (!wheel.archive) {
      throw Error(ErrorCode::integrity, Place{path_in_store(file)}, "is damaged in the store",
                  "axle store verify --repair removes damaged wheels; the next run unpacks them anew");
    }
    if (!wheel.proven) disproved.store(true);
    throw Error(ErrorCode::integrity, Place{wheel.source->path}, path + " is not what RECORD says");
  }

  // Whether two members of archives have the same packed bytes, and so the same content.
  bool have_same_packed(const StoreFile& one, const StoreFile& other) const {
    const std::array<StoreFile, 2> files{one, other};
    std::array<std::string, 2> bytes;
    for (std::size_t i = 0; i < 2; ++i) {
      const Member& wanted = member(files[i]);
      const Member& first = member(files[0]);
      if (wanted.method != first.method || wanted.size != first.size || wanted.crc32 != first.crc32 ||
          wanted.packed_size != first.packed_size || wanted.packed_size > max_whole)
        return false;
      const Opening& wheel = opened(files[i].wheel);
      bytes[i].resize(static_cast<std::size_t>(wanted.packed_size));
      pread_exactly(wheel.archive->fd(), bytes[i].data(), bytes[i].size(), wanted.data_offset,
                    wheel.source->path);
    }
    return bytes[0] == bytes[1];
  }

  void compare(const StoreFile& file, std::uint64_t size, const Sha256& sha256) const {
    const Opening& wheel = wheels[file.wheel];
    const FileFact& fact = wheel.facts->file(file.file);
    if (size != fact.size || sha256 != fact.sha256) fail(file);
    if (wheel.compared) wheel.compared[file.file].store(true);
  }
};

WheelSet::WheelSet(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
WheelSet::WheelSet(WheelSet&&) noexcept = default;
WheelSet::~WheelSet() = default;

WheelSet WheelSet::open(std::span<const WheelSource> sources, const Store* store,
                        const WheelSetOptions& options, Diagnostics& notes) {
  auto impl = std::make_unique<Impl>(sources.size());
  impl->store = store;
  impl->verify = options.verify;
  impl->trees.resize(sources.size());
  struct Task {
    Opening* wheel;
    std::array<Opening*, 2> hash;  // instead of `wheel`; the second may be nullptr
    std::uint64_t weight;
  };
  std::vector<Task> tasks;
  std::vector<std::pair<std::uint64_t, Opening*>> archives;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    Opening& wheel = impl->wheels[i];
    wheel.source = &sources[i];
    if (!sources[i].path.empty()) {
      const auto status = try_stat(AT_FDCWD, sources[i].path);
      if (!status) throw Error(ErrorCode::io, Place{sources[i].path}, "does not exist");
      wheel.facts = known_facts(sources[i], store, options);
      wheel.is_late = wheel.proven = wheel.facts.has_value();
      if (wheel.is_late) continue;
      const auto bytes = static_cast<std::uint64_t>(status->st_size);
      archives.emplace_back(bytes, &wheel);
      tasks.push_back({&wheel, {}, bytes / 4});
      continue;
    }
    if (store != nullptr) wheel.facts = store->find(sources[i]);
    if (!wheel.facts) {
      throw Error(ErrorCode::no_match, Place{sources[i].file_name},
                  "is not in the store, and no archive of it was found",
                  "name a directory that has it (--find-links), or fetch it first");
    }
    wheel.proven = true;
    impl->trees[i] = open_dir(store->root().get(), Store::tree_path(wheel.facts->wheel_sha256()));
  }
  std::stable_sort(archives.begin(), archives.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  for (std::size_t i = 0; i < archives.size(); i += 2) {
    Opening* const other = i + 1 < archives.size() ? archives[i + 1].second : nullptr;
    tasks.push_back({nullptr, {archives[i].second, other}, archives[i].first});
  }
  std::stable_sort(tasks.begin(), tasks.end(),
                   [](const Task& a, const Task& b) { return a.weight > b.weight; });
  parallel_for(tasks.size(), options.jobs, [&](std::size_t i) {
    if (Opening* const wheel = tasks[i].wheel) {
      try {
        read_wheel(*wheel, store, options.facts);
      } catch (...) {
        wheel->failure = std::current_exception();
      }
      return;
    }
    const auto [first, second] = tasks[i].hash;
    try {
      if (second != nullptr) return hash_archives(*first, *second, options.verify);
    } catch (const Error&) {  // which of the two it is will be seen
    }
    for (Opening* const wheel : tasks[i].hash) {
      try {
        if (wheel != nullptr) hash_archive(*wheel, options.verify);
      } catch (...) {
        wheel->hash_failure = std::current_exception();
      }
    }
  });
  parallel_for(impl->wheels.size(), options.jobs, [&](std::size_t i) {
    Opening& wheel = impl->wheels[i];
    // An archive that is not the one that was locked is reported as that, whatever else is wrong with it.
    if (wheel.hash_failure) std::rethrow_exception(wheel.hash_failure);
    if (wheel.failure) std::rethrow_exception(wheel.failure);
    finish_wheel(wheel, options);
  });
  for (const Opening& wheel : impl->wheels) {
    for (const std::string_view warning : wheel.facts->warnings()) {
      notes.push_back({Severity::warning, "wheel", std::string(wheel.facts->normalized()),
                       wheel.source->file_name, std::string(warning), ""});
    }
    judge_record(*wheel.facts, *wheel.source, options.verify, notes);
  }
  return WheelSet(std::move(impl));
}

WheelSet WheelSet::unpacked(std::span<const WheelFacts> wheels, const Store& store) {
  auto impl = std::make_unique<Impl>(wheels.size());
  impl->store = &store;
  for (std::size_t i = 0; i < wheels.size(); ++i) {
    impl->wheels[i].facts = wheels[i];
    impl->wheels[i].proven = true;
    impl->trees.push_back(open_dir(store.root().get(), Store::tree_path(wheels[i].store_id())));
  }
  return WheelSet(std::move(impl));
}

std::size_t WheelSet::size() const noexcept { return impl_->wheels.size(); }
const WheelFacts& WheelSet::facts(std::size_t wheel) const { return *impl_->wheels.at(wheel).facts; }
bool WheelSet::in_archive(std::size_t wheel) const {
  const Opening& one = impl_->wheels.at(wheel);
  return one.is_late || one.archive.has_value();
}
bool WheelSet::disproved() const noexcept { return impl_->disproved.load(); }
std::uint32_t WheelSet::crc32(const StoreFile& file) const { return impl_->member(file).crc32; }

void WheelSet::expect(std::span<const std::size_t> wheels, unsigned jobs) const {
  std::vector<std::pair<std::uint64_t, Opening*>> late;
  for (const std::size_t index : wheels) {
    Opening& wheel = impl_->wheels.at(index);
    const auto status = wheel.is_late ? try_stat(AT_FDCWD, wheel.source->path) : std::nullopt;
    if (status && !wheel.is_opened.load()) late.emplace_back(status->st_size, &wheel);
  }
  std::stable_sort(late.begin(), late.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  parallel_for(late.size() / 2, jobs, [&](std::size_t i) {
    Opening& first = *late[2 * i].second;
    Opening& second = *late[2 * i + 1].second;
    try {
      hash_archives(first, second, impl_->verify);
      first.is_hashed = second.is_hashed = true;
    } catch (const Error&) {  // which of the two it is will be seen
    }
  });
  parallel_for(wheels.size(), jobs, [&](std::size_t i) { impl_->opened(wheels[i]); });
}

void WheelSet::prove_rest(unsigned jobs, LayerCache* cache) const {
  std::vector<StoreFile> files;
  std::map<Sha256, std::optional<StoreFile>> twins;  // of these: another with the same promise that was read
  const auto for_each_file = [&](const auto& take) {
    for (std::uint32_t i = 0; i < impl_->wheels.size(); ++i) {
      const Opening& wheel = impl_->wheels[i];
      if (!wheel.compared) continue;
      const std::span<const FileFact> facts = wheel.facts->files();
      for (std::uint32_t k = 0; k < facts.size(); ++k)
        take(StoreFile{i, k}, facts[k], wheel.compared[k].load());
    }
  };
  for_each_file([&](const StoreFile& file, const FileFact& fact, bool is_compared) {
    if (is_compared) return;
    files.push_back(file);
    twins.try_emplace(fact.sha256);
  });
  for_each_file([&](const StoreFile& file, const FileFact& fact, bool is_compared) {
    const auto twin = is_compared ? twins.find(fact.sha256) : twins.end();
    if (twin != twins.end()) twin->second = file;
  });
  parallel_for(files.size(), jobs, [&](std::size_t i) {
    thread_local Buffer buffer;
    const FileFact& fact = facts(files[i].wheel).file(files[i].file);
    const auto twin = twins.at(fact.sha256);
    if (twin && impl_->have_same_packed(files[i], *twin))
      return impl_->compare(files[i], fact.size, fact.sha256);
    if (fact.size <= max_whole) {
      read(files[i], buffer);
      return;
    }
    Pieces pieces(*this, files[i]);
    std::uint64_t left = fact.size;
    for (std::string piece; left > 0; piece.clear()) {
      pieces.read(max_whole, piece, nullptr);
      left -= std::min<std::uint64_t>(left, piece.size());
    }
  });
  if (cache == nullptr) return;
  for (const Opening& wheel : impl_->wheels) {
    if (wheel.compared) cache->keep_facts(*wheel.facts);
  }
}

Archive::Unpacked WheelSet::read(const StoreFile& file, Buffer& buffer) const {
  const Archive::Unpacked content = read_only(file, buffer);
  compare(file, content.plain.size(), Sha256::of(content.plain));
  return content;
}

void WheelSet::compare(const StoreFile& file, std::uint64_t size, const Sha256& sha256) const {
  impl_->compare(file, size, sha256);
}

Archive::Unpacked WheelSet::read_only(const StoreFile& file, Buffer& buffer) const {
  const Opening& wheel = impl_->opened(file.wheel);
  Archive::Unpacked content;
  if (wheel.archive) {
    content = wheel.archive->read_packed(impl_->member(file), buffer.archive);
  } else {
    const std::string path = impl_->path_in_store(file);
    const auto fd = try_open_file(impl_->trees[file.wheel].get(), path);
    if (!fd) impl_->fail(file);
    buffer.store = read_fd(*fd, path);
    content.plain = buffer.store;
  }
  return content;
}

bool WheelSet::is_deflated(const StoreFile& file) const {
  if (!in_archive(file.wheel)) return false;
  const Member& member = impl_->member(file);
  return member.method == ZipMethod::deflate && member.size == facts(file.wheel).file(file.file).size;
}

void WheelSet::Matches::begin(const WheelSet& set, const StoreFile& file) {
  set_ = &set;
  file_ = file;
  size_ = 0;
  hasher_.reset();
  reader_.begin(*set.impl_->opened(file.wheel).archive, set.impl_->member(file));
}

void WheelSet::Matches::read(const MatchReader::Target& target, MatchList& list) {
  reader_.read(target, list);
}

void WheelSet::Matches::end_reading() { reader_.finish(); }

void WheelSet::Matches::hash(std::string_view bytes) {
  hasher_.update(bytes);
  size_ += bytes.size();
}

void WheelSet::Matches::end_hashing() { set_->impl_->compare(file_, size_, hasher_.finish_sha256()); }

struct WheelSet::Pieces::State {
  const WheelSet::Impl& set;
  StoreFile file;
  const Member* member = nullptr;  // in an archive
  std::optional<MemberReader> reader;
  Fd fd;  // in the store
  Hasher hasher;
  std::uint64_t size = 0;
  std::string rest;  // inflated and not yet asked for

  State(const WheelSet::Impl& wheels, const StoreFile& wanted) : set(wheels), file(wanted) {}

  // Never more bytes than the facts name, so that a file that grows is not read for ever.
  void read_store(std::uint64_t wanted, std::string& plain) {
    const FileFact& fact = set.wheels[file.wheel].facts->file(file.file);
    const auto count = static_cast<std::size_t>(std::min(wanted, fact.size - size));
    const std::size_t begin = plain.size();
    plain.resize(begin + count);
    for (std::size_t got = 0; got < count;) {
      const ssize_t done =
          pread(fd.get(), plain.data() + begin + got, count - got, static_cast<off_t>(size + got));
      if (done < 0 && errno == EINTR) continue;
      if (done <= 0) set.fail(file);
      got += static_cast<std::size_t>(done);
    }
    hasher.update(std::string_view(plain).substr(begin));
    size += count;
    if (size == fact.size) set.compare(file, size, hasher.finish_sha256());
  }

  void read_archive(std::uint64_t wanted, std::string& plain, std::string* packed) {
    const FileFact& fact = set.wheels[file.wheel].facts->file(file.file);
    const std::uint64_t end = size + std::min(wanted, fact.size - size);
    const auto take = [&](std::string_view bytes) {
      const auto now = static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), end - size));
      plain += bytes.substr(0, now);
      size += now;
      return bytes.substr(now);
    };
    rest = std::string(take(rest));
    while (size < end) {
      const std::string_view piece = reader->next(packed);
      if (piece.empty()) set.fail(file);
      hasher.update(piece);
      rest = std::string(take(piece));
    }
    if (size != fact.size) return;
    // What comes after the last byte: the end of the deflate stream, and the comparisons.
    if (!rest.empty() || !reader->next(packed).empty()) set.fail(file);
    set.compare(file, size, hasher.finish_sha256());
  }
};

WheelSet::Pieces::Pieces(const WheelSet& set, const StoreFile& file)
    : state_(std::make_unique<State>(*set.impl_, file)) {
  const Opening& wheel = set.impl_->opened(file.wheel);
  if (wheel.archive) {
    state_->member = &set.impl_->member(file);
    state_->reader.emplace(*wheel.archive, *state_->member);
    return;
  }
  auto fd = try_open_file(set.impl_->trees[file.wheel].get(), set.impl_->path_in_store(file));
  if (!fd) set.impl_->fail(file);
  state_->fd = std::move(*fd);
}
WheelSet::Pieces::Pieces(Pieces&&) noexcept = default;
WheelSet::Pieces::~Pieces() = default;

bool WheelSet::Pieces::has_packed() const {
  return state_->member != nullptr && state_->member->method == ZipMethod::deflate;
}

std::uint32_t WheelSet::Pieces::crc32() const { return state_->member->crc32; }

void WheelSet::Pieces::read(std::uint64_t size, std::string& plain, std::string* packed) {
  if (state_->member != nullptr) {
    state_->read_archive(size, plain, packed);
  } else {
    state_->read_store(size, plain);
  }
}

}  // namespace axle
