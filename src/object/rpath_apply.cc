#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "axle/object/rpath_edit.h"
#include "base/fd.h"

namespace axle {

namespace {

void write_at(int to, std::string_view bytes, std::uint64_t offset, std::string_view name) {
  while (!bytes.empty()) {
    const ssize_t count = pwrite(to, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw_errno("writing", name);
    bytes.remove_prefix(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
}

// By shared extents, else in the kernel, else through a buffer.
void copy_whole(int from, int to, std::uint64_t size, std::string_view name) {
  if (ioctl(to, FICLONE, from) == 0) return;
  std::uint64_t done = 0;
  while (done < size) {
    off_t in = static_cast<off_t>(done), out = static_cast<off_t>(done);
    const ssize_t count = copy_file_range(from, &in, to, &out, static_cast<std::size_t>(size - done), 0);
    if (count > 0) {
      done += static_cast<std::uint64_t>(count);
      continue;
    }
    if (count < 0 && errno == EINTR) continue;
    break;
  }
  constexpr std::size_t piece = 1U << 20;
  std::vector<char> buffer;
  while (done < size) {
    buffer.resize(piece);
    const ssize_t count = pread(from, buffer.data(), buffer.size(), static_cast<off_t>(done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw_errno("reading", name);
    if (count == 0) {
      errno = EIO;  // it got shorter under our hands
      throw_errno("reading", name);
    }
    write_at(to, std::string_view(buffer.data(), static_cast<std::size_t>(count)), done, name);
    done += static_cast<std::uint64_t>(count);
  }
}

}  // namespace

void apply_edit(const EditPlan& plan, int from, int to, std::string_view name) {
  struct stat status {};
  if (fstat(from, &status) != 0) throw_errno("reading", name);
  copy_whole(from, to, static_cast<std::uint64_t>(status.st_size), name);
  if (plan.size > static_cast<std::uint64_t>(status.st_size) &&
      ftruncate(to, static_cast<off_t>(plan.size)) != 0) {
    throw_errno("writing", name);
  }
  for (const BytePatch& patch : plan.patches) write_at(to, patch.bytes, patch.offset, name);
}

}  // namespace axle
