#include "exec/open_wheel.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <string>

#include "axle/base/error.h"
#include "axle/pep/wheel_filename.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/sha256_lanes.h"
#include "store/unpack.h"

namespace axle {
namespace {

constexpr std::size_t hash_piece = 256U << 10;

void check_size(const WheelSource& source, const Archive& archive) {
  if (!source.size || *source.size == archive.file_size()) return;
  throw Error(
      ErrorCode::integrity, Place{source.path},
      "has " + std::to_string(archive.file_size()) + " bytes, the lock says " + std::to_string(*source.size),
      "the file is not the one that was locked: get it again, or lock again");
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

}  // namespace

void hash_archive(Opening& wheel, VerifyLevel verify) {
  const Fd file = open_file(AT_FDCWD, wheel.source->path);
  wheel.sha256 = hash_file(file, wheel.source->path);
  if (verify != VerifyLevel::none) check_archive_hash(*wheel.source, file, wheel.sha256);
}

void hash_archives(Opening& first, Opening& second, VerifyLevel verify) {
  const std::array<Opening*, 2> wheels{&first, &second};
  std::array<Fd, 2> files;
  std::array<std::unique_ptr<char[]>, 2> buffers;
  std::array<Pieces, 2> pieces;
  for (std::size_t i = 0; i < 2; ++i) {
    const std::string& path = wheels[i]->source->path;
    files[i] = open_file(AT_FDCWD, path);
    buffers[i] = std::make_unique_for_overwrite<char[]>(hash_piece);
    struct stat status {};
    if (fstat(files[i].get(), &status) != 0) throw_errno("cannot look at", path);
    const auto size = static_cast<std::uint64_t>(status.st_size);
    pieces[i] = [&path, size, &file = files[i], into = buffers[i].get(), at = std::uint64_t{0}]() mutable {
      throw_if_interrupted();
      const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(hash_piece, size - at));
      pread_exactly(file, into, count, at, path);
      at += count;
      return std::string_view(into, count);
    };
  }
  const auto digests = sha256_pair(pieces[0], pieces[1]);
  for (std::size_t i = 0; i < 2; ++i) {
    wheels[i]->sha256 = digests[i];
    if (verify != VerifyLevel::none) check_archive_hash(*wheels[i]->source, files[i], digests[i]);
  }
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

void finish_wheel(Opening& wheel, const WheelSetOptions& options) {
  if (!wheel.archive) return;
  const FactsFrom from = options.facts;
  // One of several hashes of a lock may be that of another file in the store.
  if (wheel.facts && wheel.facts->wheel_sha256() != wheel.sha256) read_wheel(wheel, nullptr, from);
  if (!wheel.facts && wheel.proven) {
    const WheelSource& source = *wheel.source;
    wheel.facts =
        inspect_wheel(*wheel.archive, WheelFilename::parse(source.file_name), source.file_name, wheel.sha256);
  }
  if (!wheel.facts && options.cache != nullptr) {
    // Not pinned, but the same as before: its promises were found true then.
    WheelSource same = *wheel.source;
    same.hashes = {{HashAlgorithm::sha256, wheel.sha256.hex()}};
    wheel.facts = options.cache->find_facts(same);
    if (wheel.facts && wheel.facts->file_name() != same.file_name) wheel.facts.reset();
    wheel.proven = wheel.facts.has_value();
  }
  if (!wheel.facts) wheel.facts = make_facts(wheel.head, wheel.members, wheel.sha256);
  map_files(wheel);
  wheel.members.clear();
  if (!wheel.proven) wheel.compared = std::make_unique<std::atomic<bool>[]>(wheel.facts->files().size());
}

std::optional<WheelFacts> known_facts(const WheelSource& source, const Store* store,
                                      const WheelSetOptions& options) {
  if (options.cache == nullptr || options.facts != FactsFrom::record || options.verify == VerifyLevel::none)
    return std::nullopt;
  auto facts = store != nullptr ? store->find(source) : std::nullopt;
  return facts ? facts : options.cache->find_facts(source);
}

bool open_late(Opening& wheel, VerifyLevel verify) {
  if (!wheel.is_hashed) hash_archive(wheel, verify);
  if (wheel.sha256 != wheel.facts->wheel_sha256()) return false;
  const WheelSource& source = *wheel.source;
  wheel.archive.emplace(Archive::open(AT_FDCWD, source.path));
  check_size(source, *wheel.archive);
  wheel.head = read_head(*wheel.archive, WheelFilename::parse(source.file_name), source.file_name);
  map_files(wheel);
  return true;
}

}  // namespace axle
