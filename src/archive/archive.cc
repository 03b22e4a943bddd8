#include "axle/archive/archive.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "archive/archive_impl.h"
#include "archive/audit.h"
#include "archive/inflate.h"
#include "axle/base/error.h"

namespace axle {

struct ReadBuffer::Impl {
  zip::Inflater inflater;
};

ReadBuffer::ReadBuffer() : impl_(std::make_unique<Impl>()) {}
ReadBuffer::~ReadBuffer() = default;
ReadBuffer::ReadBuffer(ReadBuffer&&) noexcept = default;
ReadBuffer& ReadBuffer::operator=(ReadBuffer&&) noexcept = default;

Archive::Archive(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
Archive::~Archive() = default;
Archive::Archive(Archive&&) noexcept = default;
Archive& Archive::operator=(Archive&&) noexcept = default;

Archive Archive::open(int dir, const std::string& path, const ArchiveLimits& limits) {
  return open(open_file(dir, path), path, limits);
}

Archive Archive::open(Fd fd, std::string name, const ArchiveLimits& limits) {
  auto impl = Impl::open(std::move(fd), std::move(name));
  impl->members = zip::audit(impl->source(), limits);
  return Archive(std::move(impl));
}

Archive Archive::open(std::shared_ptr<const std::string> bytes, std::string name,
                      const ArchiveLimits& limits) {
  const std::uint64_t size = bytes->size();
  std::unique_ptr<Impl> impl(new Impl{Fd(), std::move(name), size, {}, {}, std::move(bytes)});
  impl->members = zip::audit(impl->source(), limits);
  return Archive(std::move(impl));
}

Archive Archive::list(int dir, const std::string& path, const ArchiveLimits& limits) {
  auto impl = Impl::open(open_file(dir, path), path);
  impl->listing = zip::list(impl->source(), limits);
  impl->members = zip::members_of(*impl->listing);
  return Archive(std::move(impl));
}

std::span<const Member> Archive::members() const noexcept { return impl_->members; }

const Member* Archive::find(std::string_view name) const noexcept {
  const auto found = std::find_if(impl_->members.begin(), impl_->members.end(),
                                  [&](const Member& member) { return member.name == name; });
  return found == impl_->members.end() ? nullptr : &*found;
}

const std::string& Archive::name() const noexcept { return impl_->name; }
std::uint64_t Archive::file_size() const noexcept { return impl_->size; }
const Fd& Archive::fd() const noexcept { return impl_->fd; }

std::string_view Archive::read(const Member& member, ReadBuffer& buffer) const {
  std::optional<Member> spare;
  return buffer.impl_->inflater.read(impl_->source(), impl_->placed(member, spare));
}

void Archive::read_into(const Member& member, ReadBuffer& buffer, char* into) const {
  std::optional<Member> spare;
  buffer.impl_->inflater.read(impl_->source(), impl_->placed(member, spare), into);
}

void Archive::expect(const Member& last, ReadBuffer& buffer) const {
  if (impl_->listing) return;  // it is not known where they lie
  buffer.impl_->inflater.expect(impl_->source(), last.data_offset + last.packed_size);
}

Archive::Unpacked Archive::read_packed(const Member& member, ReadBuffer& buffer) const {
  const std::string_view plain = read(member, buffer);
  return {plain, buffer.impl_->inflater.packed()};
}

void Archive::stream(const Member& member, const std::function<void(std::string_view)>& sink) const {
  std::optional<Member> spare;
  zip::stream_member(impl_->source(), impl_->placed(member, spare), sink);
}

struct MemberReader::Impl {
  zip::Source source;
  std::optional<Member> spare;
  const Member& member;
  zip::MemberStream stream;

  Impl(const Archive::Impl& archive, const Member& wanted)
      : source(archive.source()), member(archive.placed(wanted, spare)), stream(source, member) {}

  [[noreturn]] void refuse_padding() const {
    zip::refuse_member(source, member.name, "its deflate stream holds more padding than content");
  }
};

MemberReader::MemberReader(const Archive& archive, const Member& member)
    : impl_(std::make_unique<Impl>(*archive.impl_, member)) {}
MemberReader::MemberReader(MemberReader&&) noexcept = default;
MemberReader::~MemberReader() = default;

std::string_view MemberReader::next(std::string* packed) {
  impl_->stream.on_packed = nullptr;
  if (packed != nullptr) {
    impl_->stream.on_packed = [packed, taken = std::size_t{0}, this](std::string_view bytes) mutable {
      // Deflate may hold any number of empty blocks between two bytes of content.
      taken += bytes.size();
      if (taken > max_packed) impl_->refuse_padding();
      packed->append(bytes);
    };
  }
  return impl_->stream.next();
}

}  // namespace axle
