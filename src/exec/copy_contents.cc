#include "exec/copy_contents.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/file.h"
#include "base/interrupt.h"

namespace axle {
namespace {

// Files up to this size go through a buffer: two calls for them cost less than what one that copies inside of
// the kernel has to set up.
constexpr std::size_t buffered_size = 64U << 10;
constexpr std::uint64_t max_piece = 1U << 30;

// False when the kernel cannot do it for these two files.
bool copy_in_kernel(const Fd& from, const Fd& to, std::uint64_t& size, const std::string& name) {
  while (size > 0) {
    throw_if_interrupted();
    const ssize_t done = copy_file_range(from.get(), nullptr, to.get(), nullptr,
                                         static_cast<std::size_t>(std::min(size, max_piece)), 0);
    if (done == 0) return true;
    if (done > 0) {
      size -= static_cast<std::uint64_t>(done);
    } else if (errno == EXDEV || errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP) {
      return false;
    } else if (errno != EINTR) {
      throw_errno("cannot copy to", name);
    }
  }
  return true;
}

}  // namespace

bool copy_contents(const Fd& from, const Fd& to, std::uint64_t size, const std::string& name) {
  if (size > buffered_size && copy_in_kernel(from, to, size, name)) return size == 0;
  thread_local std::array<char, buffered_size> buffer;
  while (size > 0) {
    throw_if_interrupted();
    const ssize_t got = read(from.get(), buffer.data(),
                             static_cast<std::size_t>(std::min<std::uint64_t>(size, buffer.size())));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw_errno("cannot read what is copied to", name);
    if (got == 0) return false;
    write_all(to, {buffer.data(), static_cast<std::size_t>(got)}, name);
    size -= static_cast<std::uint64_t>(got);
  }
  return true;
}

}  // namespace axle
