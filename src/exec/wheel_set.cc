#include "exec/wheel_set.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <functional>
#include <mutex>

#include "axle/base/error.h"
#include "axle/pep/wheel_filename.h"
#include "axle/wheel/inspect.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/parallel.h"
#include "store/unpack.h"

namespace axle {
namespace {

constexpr std::uint32_t no_member = 0xffffffff;

// A wheel as it is opened.
struct Opening {
  const WheelSource* source = nullptr;
  std::optional<Archive> archive;
  WheelHead head;
  std::vector<MemberFacts> members;
  Sha256 sha256;
  std::optional<WheelFacts> facts;
  std::vector<std::uint32_t> member_of_file;
  bool proven = false;                            // the facts come from contents, not from RECORD's promises
  std::unique_ptr<std::atomic<bool>[]> compared;  // unless proven: files that were found to be as promised
  std::exception_ptr hash_failure;
  std::exception_ptr failure;
  // The archive is opened when it is read: until then there is neither archive nor member_of_file.
  bool is_late = false;
  std::atomic<bool> is_opened{false};
  std::mutex mutex;
};

void hash_archive(Opening& wheel, VerifyLevel verify) {
  const Fd file = open_file(AT_FDCWD, wheel.source->path);
  wheel.sha256 = hash_file(file, wheel.source->path);
  if (verify != VerifyLevel::none) check_archive_hash(*wheel.source, file, wheel.sha256);
}

void check_size(const WheelSource& source, const Archive& archive) {
  if (!source.size || *source.size == archive.file_size()) return;
  throw Error(
      ErrorCode::integrity, Place{source.path},
      "has " + std::to_string(archive.file_size()) + " bytes, the lock says " + std::to_string(*source.size),
      "the file is not the one that was locked: get it again, or lock again");
}

void read_wheel(Opening& wheel, const Store* store, FactsFrom from) {
  const WheelSource& source = *wheel.source;
  wheel.archive.emplace(Archive::open(AT_FDCWD, source.path));
  check_size(source, *wheel.archive);
  wheel.head = read_head(*wheel.archive, WheelFilename::parse(source.file_name), source.file_name);
  wheel.facts.reset();
  if (store != nullptr) {
    // A pinned wheel that the store knows needs no promises; its hash is being checked.
    wheel.facts = store->find(source);
    wheel.proven = wheel.facts.has_value();
    if (wheel.proven) return;
  }
  wheel.proven = from == FactsFrom::contents;
  if (wheel.proven) return;  // they are read when the archive's digest is known
  ReadBuffer buffer;
  wheel.members.resize(wheel.head.roles.size());
  for (std::size_t i = 0; i < wheel.members.size(); ++i) {
    if (!wheel.head.roles[i].path) continue;
    throw_if_interrupted();
    const Member& member = wheel.archive->members()[i];
    if (auto promised = promised_facts(wheel.head, i, member.size)) {
      wheel.members[i] = std::move(*promised);
    } else if (member.size <= Archive::max_read_size) {
      wheel.members[i] = inspect_member(wheel.head, i, wheel.archive->read(member, buffer));
    } else {
      MemberInspector inspector(wheel.head, i);
      wheel.archive->stream(member, [&](std::string_view piece) { inspector.update(piece); });
      wheel.members[i] = inspector.finish();
    }
  }
}

void map_files(Opening& wheel) {
  wheel.member_of_file.assign(wheel.facts->files().size(), no_member);
  for (std::size_t i = 0; i < wheel.head.roles.size(); ++i) {
    const MemberRole& role = wheel.head.roles[i];
    if (!role.path) continue;
    const auto file = wheel.facts->find(role.scheme, role.path->str());
    if (file) wheel.member_of_file[*file] = static_cast<std::uint32_t>(i);
  }
}

void finish_wheel(Opening& wheel, FactsFrom from) {
  if (!wheel.archive) return;
  // One of several hashes of a lock may be that of another file in the store.
  if (wheel.facts && wheel.facts->wheel_sha256() != wheel.sha256) read_wheel(wheel, nullptr, from);
  if (!wheel.facts && wheel.proven) {
    const WheelSource& source = *wheel.source;
    wheel.facts =
        inspect_wheel(*wheel.archive, WheelFilename::parse(source.file_name), source.file_name, wheel.sha256);
  }
  if (!wheel.facts) wheel.facts = make_facts(wheel.head, wheel.members, wheel.sha256);
  map_files(wheel);
  wheel.members.clear();
  if (!wheel.proven) wheel.compared = std::make_unique<std::atomic<bool>[]>(wheel.facts->files().size());
}

// Facts that are known by a pinned hash alone.
std::optional<WheelFacts> known_facts(const WheelSource& source, const Store* store,
                                      const WheelSetOptions& options) {
  if (options.cache == nullptr || options.facts != FactsFrom::record || options.verify == VerifyLevel::none)
    return std::nullopt;
  auto facts = store != nullptr ? store->find(source) : std::nullopt;
  return facts ? facts : options.cache->find_facts(source);
}

}  // namespace

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
    hash_archive(wheel, verify);
    if (wheel.sha256 != wheel.facts->wheel_sha256()) {
      // One of several hashes of a lock may be that of another file: its facts were the wrong ones.
      disproved.store(true);
      throw Error(ErrorCode::integrity, Place{wheel.source->path},
                  "is another wheel than the one that is known");
    }
    wheel.archive.emplace(Archive::open(AT_FDCWD, wheel.source->path));
    check_size(*wheel.source, *wheel.archive);
    wheel.head =
        read_head(*wheel.archive, WheelFilename::parse(wheel.source->file_name), wheel.source->file_name);
    map_files(wheel);
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
    bool hash;
    std::uint64_t weight;
  };
  std::vector<Task> tasks;
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
      tasks.push_back({&wheel, true, bytes});
      tasks.push_back({&wheel, false, bytes / 4});
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
  std::stable_sort(tasks.begin(), tasks.end(),
                   [](const Task& a, const Task& b) { return a.weight > b.weight; });
  parallel_for(tasks.size(), options.jobs, [&](std::size_t i) {
    Opening& wheel = *tasks[i].wheel;
    try {
      tasks[i].hash ? hash_archive(wheel, options.verify) : read_wheel(wheel, store, options.facts);
    } catch (...) {
      (tasks[i].hash ? wheel.hash_failure : wheel.failure) = std::current_exception();
    }
  });
  parallel_for(impl->wheels.size(), options.jobs, [&](std::size_t i) {
    Opening& wheel = impl->wheels[i];
    // An archive that is not the one that was locked is reported as that, whatever else is wrong with it.
    if (wheel.hash_failure) std::rethrow_exception(wheel.hash_failure);
    if (wheel.failure) std::rethrow_exception(wheel.failure);
    finish_wheel(wheel, options.facts);
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

void WheelSet::prove_rest(unsigned jobs, LayerCache* cache) const {
  std::vector<StoreFile> files;
  for (std::uint32_t i = 0; i < impl_->wheels.size(); ++i) {
    const Opening& wheel = impl_->wheels[i];
    if (!wheel.compared) continue;
    for (std::uint32_t k = 0; k < wheel.facts->files().size(); ++k) {
      if (!wheel.compared[k].load()) files.push_back({i, k});
    }
  }
  parallel_for(files.size(), jobs, [&](std::size_t i) {
    thread_local Buffer buffer;
    std::uint64_t left = facts(files[i].wheel).file(files[i].file).size;
    if (left <= max_whole) {
      read(files[i], buffer);
      return;
    }
    Pieces pieces(*this, files[i]);
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
  impl_->compare(file, content.plain.size(), Sha256::of(content.plain));
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
