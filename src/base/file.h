#pragma once
// Whole files: reading, writing, mapping, copying. Every function throws Error(io) with the path.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "axle/base/digest.h"
#include "base/fd.h"

namespace axle {

// Bytes of a file, bounded: a larger one is Error(bad_input).
constexpr std::uint64_t default_max_file = 256U << 20;
std::string read_file(int dir, const std::string& path, std::uint64_t max_bytes = default_max_file);
std::optional<std::string> try_read_file(int dir, const std::string& path,
                                         std::uint64_t max_bytes = default_max_file);  // nullopt when absent
std::string read_fd(const Fd& fd, std::string_view name, std::uint64_t max_bytes = default_max_file);

// Exactly `size` bytes from `offset`; a shorter file is Error(io).
void pread_exactly(const Fd& fd, char* into, std::size_t size, std::uint64_t offset, std::string_view name);
void write_all(const Fd& fd, std::string_view bytes, std::string_view name);

// How a new file looks. Times are nanoseconds since 1970.
struct FileLook {
  std::uint32_t mode = 0644;
  std::optional<std::int64_t> mtime_ns;
  enum class Flush { no, yes } flush = Flush::no;  // yes: its bytes are on the disk before it is named
};
// Creates a file that must not exist (O_EXCL). The mode holds whatever the umask.
void create_file(int dir, const std::string& path, std::string_view bytes, const FileLook& look);

void set_mtime(const Fd& fd, std::int64_t mtime_ns, std::string_view name);
std::int64_t mtime_ns(const struct stat& status) noexcept;

// A read-only mapping of a whole file, kept while the object lives. An empty file maps to "".
class MappedFile {
 public:
  static MappedFile open(int dir, const std::string& path);
  static std::optional<MappedFile> try_open(int dir, const std::string& path);  // nullopt when absent
  static MappedFile map(const Fd& fd, std::string_view name);
  MappedFile() noexcept = default;
  MappedFile(MappedFile&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  MappedFile& operator=(MappedFile&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~MappedFile();

  std::string_view bytes() const noexcept { return bytes_; }
  // Hands out all of it in pieces and gives back the memory of each, so that little of a large file is
  // resident at once.
  void read_in_pieces(const std::function<void(std::string_view piece)>& take) const;

 private:
  explicit MappedFile(std::string_view bytes) noexcept : bytes_(bytes) {}
  std::string_view bytes_;
};

Sha256 digest_of(const MappedFile& file);

}  // namespace axle
