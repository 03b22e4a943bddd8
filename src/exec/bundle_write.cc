// Members to files in a directory.

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "axle/base/error.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/parallel.h"
#include "exec/bundle.h"

namespace axle {
namespace {

constexpr int max_depth = 256;

void set_time(int dir, const std::string& path, std::int64_t mtime) {
  const timespec times[2] = {{mtime, 0}, {mtime, 0}};
  if (utimensat(dir, path.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0)
    throw_errno("cannot set the time of", path);
}

void write_file(int dir, const BundleMember& member) {
  const mode_t mode = member.executable ? 0755 : 0644;
  const Fd to(openat(dir, member.path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (!to) throw_errno("cannot create", member.path);
  if (member.bytes) {
    write_all(to, *member.bytes, member.path);
  } else if (member.edit) {
    apply_edit(*member.edit, open_file(AT_FDCWD, member.from).get(), to.get(), member.path);
  } else {
    write_all(to, MappedFile::open(AT_FDCWD, member.from).bytes(), member.path);
  }
}

void set_times_below(int root, const std::string& dir, std::int64_t mtime, int depth) {
  if (depth > max_depth) throw Error(ErrorCode::io, Place{dir}, "has too many directories in one another");
  for (const DirEntry& entry : list_dir(root, dir)) {
    const std::string path = dir == "." ? entry.name : dir + "/" + entry.name;
    if (entry.type == DT_DIR) set_times_below(root, path, mtime, depth + 1);
    set_time(root, path, mtime);
  }
}

}  // namespace

void write_bundle(int dir, const std::vector<BundleMember>& members, std::int64_t mtime, unsigned jobs) {
  const ExactModes exact;
  std::vector<const BundleMember*> files;
  for (const BundleMember& member : members) {
    switch (member.kind) {
      case BundleMember::Kind::directory:
        make_dir(dir, member.path);
        break;
      case BundleMember::Kind::symlink:
        symlink_at(member.target, dir, member.path);
        break;
      case BundleMember::Kind::file:
        files.push_back(&member);
    }
  }
  parallel_for(files.size(), jobs, [&](std::size_t i) {
    throw_if_interrupted();
    write_file(dir, *files[i]);
  });
  set_bundle_times(dir, mtime);
}

void set_bundle_times(int dir, std::int64_t mtime) { set_times_below(dir, ".", mtime, 0); }

}  // namespace axle
