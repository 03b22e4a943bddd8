#include "store/member_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>
#include <utility>

#include "base/file.h"
#include "base/interrupt.h"
#include "base/sha256_lanes.h"

namespace axle {
namespace {

constexpr std::size_t least_room = 512U << 10;

// One thread's memory; it lives as long as the thread.
struct Memory {
  ReadBuffer read;
  std::unique_ptr<char[]> contents;
  std::size_t room = 0;
  std::vector<std::string_view> texts;
  std::vector<Sha256> digests;
};

Memory& memory() {
  thread_local Memory reused;
  return reused;
}

class Writer {
 public:
  Writer(const MemberTarget& target, std::span<MemberFacts> facts) : target_(target), facts_(facts) {}

  // In pieces, two at a time, because two are hashed nearly as fast as one.
  void stream(std::span<const std::uint32_t> members) {
    struct Streamed {
      Fd file;
      MemberInspector inspector;
      std::optional<MemberReader> reader;
    };
    std::vector<Streamed> all;
    all.reserve(members.size());
    std::vector<Sha256> digests(members.size());
    const auto begin = [&](std::size_t k) -> Pieces {
      const Member& member = member_of(members[k]);
      all.push_back({create(members[k]),
                     {target_.head, members[k], MemberInspector::HashedBy::caller},
                     MemberReader(target_.archive, member)});
      return [this, &member, &streamed = all.back()] {
        throw_if_interrupted();
        const std::string_view piece = streamed.reader->next();
        if (piece.empty()) {
          streamed.reader.reset();
        } else {
          streamed.inspector.update(piece);
          write_all(streamed.file, piece, member.name);
          report(piece.size());
        }
        return piece;
      };
    };
    sha256_streams(begin, digests);
    for (std::size_t k = 0; k < members.size(); ++k) {
      Streamed& streamed = all[k];
      const ReadAt read = [&](std::uint64_t offset, char* into, std::size_t size) {
        const ssize_t got = pread(streamed.file.get(), into, size, static_cast<off_t>(offset));
        return got == static_cast<ssize_t>(size);
      };
      facts_[members[k]] = streamed.inspector.finish(read, digests[k]);
      set_time(streamed.file, members[k]);
    }
  }

  // All are inflated before the first is hashed, because several are hashed faster than one.
  void together(std::span<const std::uint32_t> members) {
    if (members.empty()) return;
    Memory& mine = memory();
    std::size_t bytes = 1;  // so that there is memory to point at
    for (const std::uint32_t index : members) bytes += static_cast<std::size_t>(member_of(index).size);
    if (mine.room < bytes) {
      mine.contents.reset();
      mine.room = std::max(bytes, least_room);
      mine.contents = std::make_unique_for_overwrite<char[]>(mine.room);
    }
    mine.texts.clear();
    target_.archive.expect(member_of(members.back()), mine.read);
    char* into = mine.contents.get();
    for (const std::uint32_t index : members) {
      const Member& member = member_of(index);
      target_.archive.read_into(member, mine.read, into);
      mine.texts.push_back({into, static_cast<std::size_t>(member.size)});
      into += member.size;
    }
    mine.digests.resize(members.size());
    sha256_each(mine.texts, mine.digests);
    for (std::size_t k = 0; k < members.size(); ++k) {
      const std::uint32_t index = members[k];
      const std::string_view content = mine.texts[k];
      facts_[index] = inspect_member(target_.head, index, content, &mine.digests[k]);
      const Fd file = create(index);
      write_all(file, content, member_of(index).name);
      set_time(file, index);
      report(content.size());
    }
  }

  const Member& member_of(std::uint32_t index) const { return target_.archive.members()[index]; }

 private:
  void report(std::uint64_t bytes) const {
    if (target_.progress) target_.progress(bytes);
  }

  void set_time(const Fd& file, std::uint32_t index) const {
    const std::int64_t time = target_.mtime_ns.value_or(target_.head.mtimes[index] * 1'000'000'000);
    set_mtime(file, time, member_of(index).name);
  }

  Fd create(std::uint32_t index) {
    const MemberRole& role = target_.head.roles[index];
    const std::string path = staged_path(role);
    const std::uint32_t shared_mode = role.executable ? 0555 : 0444;
    const std::uint32_t mode = target_.use == StoreUse::shared ? shared_mode : shared_mode | 0200;
    const auto [dir, name] = place(path);
    Fd file(openat(dir, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode));
    if (!file && errno == EEXIST) {
      // The root and .data bring the same file. This one is only read and compared; make_facts refuses it if
      // it differs.
      const std::string aside = path + "\n" + std::to_string(index);  // no member can be named so
      file = Fd(openat(target_.tree.get(), aside.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode));
      if (file) unlinkat(target_.tree.get(), aside.c_str(), 0);
    }
    if (!file) throw_errno("cannot create", path);
    return file;
  }

  // Where to create `path`: in its directory, opened, from the second file of it on, so that the kernel need
  // not walk to it for each.
  std::pair<int, const char*> place(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    const std::string_view dir = std::string_view(path).substr(0, slash);
    if (dir != dir_) {
      dir_ = dir;
      dir_fd_ = Fd();
      return {target_.tree.get(), path.c_str()};
    }
    if (!dir_fd_) dir_fd_ = open_dir(target_.tree.get(), dir_);
    return {dir_fd_.get(), path.c_str() + slash + 1};
  }

  const MemberTarget& target_;
  std::span<MemberFacts> facts_;
  std::string dir_;  // of the file before
  Fd dir_fd_;        // the same, when two files in a row were in it
};

}  // namespace

std::string staged_path(const MemberRole& role) {
  return std::string(tree_prefix(role.scheme)) + "/" + role.path->str();
}

void write_members(const MemberTarget& target, std::span<const std::uint32_t> members,
                   std::span<MemberFacts> facts) {
  Writer writer(target, facts);
  if (!members.empty() && writer.member_of(members[0]).size > stream_above) {
    writer.stream(members);
  } else {
    writer.together(members);
  }
}

}  // namespace axle
