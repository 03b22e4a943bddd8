#include "base/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "axle/base/error.h"

namespace axle {
namespace {

struct stat status_of(const Fd& fd, std::string_view name) {
  struct stat status {};
  if (fstat(fd.get(), &status) != 0) throw_errno("cannot look at", name);
  return status;
}

void finish_file(const Fd& fd, std::string_view bytes, const std::string& name, const FileLook& look) {
  write_all(fd, bytes, name);
  if (fchmod(fd.get(), look.mode) != 0) throw_errno("cannot set the mode of", name);
  if (look.mtime_ns) set_mtime(fd, *look.mtime_ns, name);
  if (look.flush == FileLook::Flush::yes && fsync(fd.get()) != 0) throw_errno("cannot flush", name);
}

}  // namespace

std::string read_fd(const Fd& fd, std::string_view name, std::uint64_t max_bytes) {
  const struct stat status = status_of(fd, name);
  const auto too_large = [&] {
    return Error(ErrorCode::bad_input, Place{std::string(name)},
                 "is larger than " + std::to_string(max_bytes) + " bytes");
  };
  if (S_ISDIR(status.st_mode)) throw Error(ErrorCode::io, Place{std::string(name)}, "is a directory");
  if (status.st_size > 0 && static_cast<std::uint64_t>(status.st_size) > max_bytes) throw too_large();
  std::string bytes;
  std::size_t used = 0;
  bytes.resize(static_cast<std::size_t>(status.st_size) + 1);
  while (true) {
    const ssize_t got = read(fd.get(), bytes.data() + used, bytes.size() - used);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw_errno("cannot read", name);
    if (got == 0) break;
    used += static_cast<std::size_t>(got);
    if (used > max_bytes) throw too_large();
    if (used == bytes.size()) bytes.resize(bytes.size() * 2 + 4096);
  }
  bytes.resize(used);
  return bytes;
}

std::string read_file(int dir, const std::string& path, std::uint64_t max_bytes) {
  return read_fd(open_file(dir, path), path, max_bytes);
}

std::optional<std::string> try_read_file(int dir, const std::string& path, std::uint64_t max_bytes) {
  const auto fd = try_open_file(dir, path);
  if (!fd) return std::nullopt;
  return read_fd(*fd, path, max_bytes);
}

void pread_exactly(const Fd& fd, char* into, std::size_t size, std::uint64_t offset, std::string_view name) {
  while (size > 0) {
    const ssize_t got = pread(fd.get(), into, size, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw_errno("cannot read", name);
    if (got == 0) throw Error(ErrorCode::io, Place{std::string(name)}, "got shorter while it was read");
    into += got;
    size -= static_cast<std::size_t>(got);
    offset += static_cast<std::uint64_t>(got);
  }
}

void write_all(const Fd& fd, std::string_view bytes, std::string_view name) {
  while (!bytes.empty()) {
    const ssize_t put = write(fd.get(), bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) throw_errno("cannot write", name);
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
}

void create_file(int dir, const std::string& path, std::string_view bytes, const FileLook& look) {
  const Fd fd(openat(dir, path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, look.mode));
  if (!fd) throw_errno("cannot create", path);
  finish_file(fd, bytes, path, look);
}

void set_mtime(const Fd& fd, std::int64_t mtime, std::string_view name) {
  constexpr std::int64_t second = 1'000'000'000;
  const timespec time{static_cast<time_t>(mtime / second), static_cast<long>(mtime % second)};
  const timespec times[2] = {time, time};
  if (futimens(fd.get(), times) != 0) throw_errno("cannot set the time of", name);
}

std::int64_t mtime_ns(const struct stat& status) noexcept {
  return std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
}

MappedFile MappedFile::map(const Fd& fd, std::string_view name) {
  const auto size = static_cast<std::size_t>(status_of(fd, name).st_size);
  if (size == 0) return MappedFile(std::string_view());
  void* start = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd.get(), 0);
  if (start == MAP_FAILED) throw_errno("cannot map", name);
  return MappedFile(std::string_view(static_cast<const char*>(start), size));
}

MappedFile MappedFile::open(int dir, const std::string& path) { return map(open_file(dir, path), path); }

std::optional<MappedFile> MappedFile::try_open(int dir, const std::string& path) {
  const auto fd = try_open_file(dir, path);
  if (!fd) return std::nullopt;
  return map(*fd, path);
}

void MappedFile::read_in_pieces(const std::function<void(std::string_view piece)>& take) const {
  constexpr std::size_t piece_size = std::size_t{8} << 20;
  if (bytes_.size() <= piece_size) return take(bytes_);
  for (std::size_t at = 0; at < bytes_.size(); at += piece_size) {
    const std::string_view piece = bytes_.substr(at, piece_size);
    take(piece);
    madvise(const_cast<char*>(piece.data()), piece.size(), MADV_DONTNEED);  // only advice: it may fail
  }
}

Sha256 digest_of(const MappedFile& file) {
  Hasher hasher(HashAlgorithm::sha256);
  file.read_in_pieces([&](std::string_view piece) { hasher.update(piece); });
  const std::string raw = hasher.finish();
  Sha256 digest;
  std::copy(raw.begin(), raw.end(), reinterpret_cast<char*>(digest.bytes.data()));
  return digest;
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) munmap(const_cast<char*>(bytes_.data()), bytes_.size());
}

}  // namespace axle
