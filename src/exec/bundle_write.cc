// Members to files in a directory, and byte-code beside them.

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

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
  set_times_below(dir, ".", mtime, 0);
}

std::optional<std::string> compile_bundle(const std::string& path, const std::string& program,
                                          const std::string& library, std::int64_t mtime) {
  const std::string interpreter = path + "/bin/" + program;
  const std::string log = path + "/.axle-compile";
  // -s of compileall takes the stage's path away, so that the code does not name it. One process, in the
  // order of names, with one seed for hashes (which -I would ignore): the same modules give the same bytes.
  const std::string lib = path + "/" + library;
  std::vector<std::string> words{
      interpreter,      "-s", "-B", "-m", "compileall", "-q", "--invalidation-mode",
      "unchecked-hash", "-s", path, "-p", "",           lib};
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  std::string fixed_hash = "PYTHONHASHSEED=0";
  char* environment[] = {fixed_hash.data(), nullptr};

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  // -m looks into the working directory first: let that be the standard library.
  posix_spawn_file_actions_addchdir_np(&actions, lib.c_str());
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  pid_t child = 0;
  const int error = posix_spawn(&child, interpreter.c_str(), &actions, nullptr, argv.data(), environment);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    errno = error;
    throw_errno("cannot run", interpreter);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) throw_errno("cannot wait for", interpreter);
    if (interrupt_signal() != 0) kill(child, SIGTERM);
  }
  throw_if_interrupted();
  std::optional<std::string> said;
  if (status != 0) said = try_read_file(AT_FDCWD, log).value_or(std::string());
  unlink_at(AT_FDCWD, log);
  const Fd root = open_dir(AT_FDCWD, path);
  set_times_below(root.get(), ".", mtime, 0);
  return said;
}

}  // namespace axle
