#pragma once
// A wheel's zip, opened only when every reader must see the same in it. spec: PKWARE APPNOTE 6.3.10; PyPA
// "Binary distribution format". How the audit works, and why, stands at the head of src/archive/audit.cc.

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace axle {

class Fd;

enum class ZipMethod : std::uint8_t { stored, deflate };

// One entry of an archive. Every field was found equal in the central directory, in the local header and by
// libzip (but see Archive::list).
struct Member {
  std::string name;               // a valid RelPath; a directory's trailing slash is taken off
  std::uint64_t size = 0;         // bytes, inflated
  std::uint64_t packed_size = 0;  // bytes in the archive
  std::uint64_t data_offset = 0;  // of the packed bytes, from the archive's begin
  std::uint32_t crc32 = 0;        // of the inflated bytes; holds only after they were read
  std::uint32_t unix_mode = 0;    // file type and permissions, 0 when the archive was not made on Unix
  std::int64_t mtime = 0;         // seconds since 1970; the DOS field read as UTC, clamped to a valid time
  ZipMethod method = ZipMethod::stored;
  bool is_directory = false;
};

// What an archive may ask for. Beyond a limit, opening is Error(bad_input).
struct ArchiveLimits {
  std::uint64_t max_entries = 250'000;
  std::uint64_t max_directory_size = 48U << 20;  // bytes of the central directory, which is held in memory
  std::uint64_t max_member_size = std::uint64_t{64} << 30;  // bytes, inflated
  std::uint64_t max_total_size = std::uint64_t{256} << 30;  // bytes of all members, inflated
};

// Memory that reading reuses. One object is for one thread at a time.
class ReadBuffer {
 public:
  ReadBuffer();
  ~ReadBuffer();
  ReadBuffer(ReadBuffer&&) noexcept;
  ReadBuffer& operator=(ReadBuffer&&) noexcept;

 private:
  friend class Archive;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// An archive that passed the audit. Reading is thread-safe. Errors name the archive as their place:
// bad_input (also for data that is unlike its declared size or CRC), unsupported (encryption, another method
// than stored and deflate), io.
class Archive {
 public:
  // Opens and audits; no member's data is inflated yet. `path` may be absolute or relative to the descriptor
  // `dir` (AT_FDCWD for the working directory).
  static Archive open(int dir, const std::string& path, const ArchiveLimits& limits = {});
  // The same for a file that is open already; `name` is for messages.
  static Archive open(Fd fd, std::string name, const ArchiveLimits& limits = {});
  // The same for one that is in memory: it has no fd().
  static Archive open(std::shared_ptr<const std::string> bytes, std::string name,
                      const ArchiveLimits& limits = {});
  // Reads the end of the file only: whatever the directory says is checked, and that members do not overlap
  // by it. Not checked are the members' own headers (but of a member that is read) and what libzip sees, so
  // this is for telling what a wheel holds, never for unpacking it. data_offset is 0.
  static Archive list(int dir, const std::string& path, const ArchiveLimits& limits = {});

  ~Archive();
  Archive(Archive&&) noexcept;
  Archive& operator=(Archive&&) noexcept;

  // In the order of the central directory; no two have one name, and none lies below a file.
  std::span<const Member> members() const noexcept;
  // The member of that name, without trailing slash; nullptr when there is none. Looks at all of them.
  const Member* find(std::string_view name) const noexcept;
  const std::string& name() const noexcept;
  std::uint64_t file_size() const noexcept;
  // For hashing or copying raw bytes: the packed bytes of a member are those at its data_offset. Use pread
  // only.
  const Fd& fd() const noexcept;

  // The largest member that read() takes.
  static constexpr std::uint64_t max_read_size = 16U << 20;
  // A whole member, inflated, its size and CRC verified. The view lives until the buffer is used again. For
  // one that is larger than max_read_size: Error(bad_input).
  std::string_view read(const Member& member, ReadBuffer& buffer) const;
  // The same, and the deflate stream that was inflated, for whoever passes it on as it is: "" for a stored
  // member, and where the stream is much larger than what it holds.
  struct Unpacked {
    std::string_view plain;
    std::string_view packed;
  };
  Unpacked read_packed(const Member& member, ReadBuffer& buffer) const;
  // As read(), to where there is room for member.size bytes.
  void read_into(const Member& member, ReadBuffer& buffer, char* into) const;
  // Members up to `last`, in the order in which they lie, will be read next: their packed bytes come with few
  // system calls.
  void expect(const Member& last, ReadBuffer& buffer) const;
  // A member of any size in bounded memory (under 1 MiB). The sink gets consecutive pieces, never more bytes
  // in all than the declared size; size and CRC are verified at the end, so the pieces count only when
  // stream() returns.
  void stream(const Member& member, const std::function<void(std::string_view)>& sink) const;

 private:
  friend class MemberReader;
  friend class MatchReader;
  struct Impl;
  explicit Archive(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

// The same as Archive::stream, at the caller's pace. One object is for one thread at a time.
class MemberReader {
 public:
  // Both must outlive the reader.
  MemberReader(const Archive& archive, const Member& member);
  MemberReader(MemberReader&&) noexcept;
  ~MemberReader();

  // The next piece; empty after the last, when size and CRC were found right. The view lives until the next
  // call. The packed bytes that were taken in for it (the rest, when the piece is empty) go to the end of
  // `packed` unless that is nullptr; more than max_packed for one piece are Error(bad_input).
  static constexpr std::size_t max_packed = 4U << 20;
  std::string_view next(std::string* packed = nullptr);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace axle
