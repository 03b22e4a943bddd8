#pragma once
// What an open archive holds: for the readers of its members, which are classes of their own.

#include <sys/stat.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "archive/audit.h"
#include "archive/format.h"
#include "axle/archive/archive.h"
#include "axle/base/error.h"
#include "base/fd.h"

namespace axle {

struct Archive::Impl {
  Fd fd;
  std::string name;
  std::uint64_t size;
  std::vector<Member> members = {};
  std::optional<zip::Listing> listing = {};  // when nothing but this was read
  std::shared_ptr<const std::string> memory = {};
  std::uint64_t serial = next_serial();

  zip::Source source() const { return {fd, name, size, serial, memory ? memory->data() : nullptr}; }

  // A member that says where its data is: itself, or a copy in `spare`.
  const Member& placed(const Member& member, std::optional<Member>& spare) const {
    if (!listing) return member;
    spare = member;
    spare->data_offset = zip::locate(source(), *listing, static_cast<std::size_t>(&member - members.data()));
    return *spare;
  }

  static std::unique_ptr<Impl> open(Fd fd, std::string name) {
    struct stat status {};
    if (fstat(fd.get(), &status) != 0) throw_errno("cannot look at", name);
    if (!S_ISREG(status.st_mode)) throw Error(ErrorCode::io, Place{name}, "is not a regular file");
    return std::unique_ptr<Impl>(
        new Impl{std::move(fd), std::move(name), static_cast<std::uint64_t>(status.st_size)});
  }

  static std::uint64_t next_serial() noexcept {
    static std::atomic<std::uint64_t> last{0};
    return ++last;
  }
};

}  // namespace axle
