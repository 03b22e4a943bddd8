// Preloaded into a program, counts the calls that change the file system, and at one of them kills the process or fails.
//
//   CRASH_SCOPE   which calls count: "mutations" (default), "space" (those that need space), "opens" (every new descriptor)
//   CRASH_AT      the number of the call, from 1; 0: only count
//   CRASH_ERRNO   0 (default): SIGKILL before the call, a write half done; else fail with this errno
//   CRASH_STAYS   1: every later call of the scope fails too, as on a full disk
//   CRASH_PLAIN   1: the file system has no links and cannot exchange two names
//   CRASH_COUNT   a file that gets the number of calls at a normal exit
//
// Writes to descriptors 0 to 2 do not count.
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { mutation = 1, space = 2, opening = 4 };

static atomic_long calls;
static long crash_at, crash_errno, crash_stays, plain;
static int scope = mutation;
static const char* count_file;

static long number(const char* name) {
  const char* text = getenv(name);
  return text == NULL ? 0 : atol(text);
}

__attribute__((constructor)) static void start(void) {
  crash_at = number("CRASH_AT");
  crash_errno = number("CRASH_ERRNO");
  crash_stays = number("CRASH_STAYS");
  plain = number("CRASH_PLAIN");
  count_file = getenv("CRASH_COUNT");
  const char* text = getenv("CRASH_SCOPE");
  if (text != NULL && strcmp(text, "space") == 0) scope = space;
  if (text != NULL && strcmp(text, "opens") == 0) scope = opening;
}

__attribute__((destructor)) static void finish(void) {
  if (count_file == NULL) return;
  char text[32];
  const int size = snprintf(text, sizeof text, "%ld\n", atomic_load(&calls));
  const int fd = (int)syscall(SYS_openat, AT_FDCWD, count_file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (fd < 0) return;
  syscall(SYS_write, fd, text, (size_t)size);
  syscall(SYS_close, fd);
}

// Whether the call is to fail now, with errno set. Does not return where the process is to die.
static int fails(int kind, int fd, const void* bytes, size_t size) {
  if ((kind & scope) == 0) return 0;
  const long at = atomic_fetch_add(&calls, 1) + 1;
  if (crash_at == 0 || at < crash_at || (at > crash_at && !crash_stays)) return 0;
  if (crash_errno == 0) {
    if (size > 1) syscall(SYS_write, fd, bytes, size / 2);
    kill(getpid(), SIGKILL);
    for (;;) pause();
  }
  errno = (int)crash_errno;
  return 1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define CALL(kind) \
  if (fails(kind, -1, NULL, 0)) return -1

static mode_t mode_of(int flags, va_list rest) { return (flags & (O_CREAT | O_TMPFILE)) ? va_arg(rest, mode_t) : 0; }
static int exists(int dir, const char* path) { return syscall(SYS_faccessat, dir, path, F_OK) == 0; }
static int kind_of(int dir, const char* path, int flags) {
  return (flags & O_CREAT) && !exists(dir, path) ? mutation | space | opening : opening;
}

#define OPEN_AT(name)                                            \
  int name(int dir, const char* path, int flags, ...) {          \
    va_list rest;                                                \
    va_start(rest, flags);                                       \
    const mode_t mode = mode_of(flags, rest);                    \
    va_end(rest);                                                \
    CALL(kind_of(dir, path, flags));                             \
    return REAL(name)(dir, path, flags, mode);                   \
  }
OPEN_AT(openat)
OPEN_AT(openat64)

#define OPEN(name)                                               \
  int name(const char* path, int flags, ...) {                   \
    va_list rest;                                                \
    va_start(rest, flags);                                       \
    const mode_t mode = mode_of(flags, rest);                    \
    va_end(rest);                                                \
    CALL(kind_of(AT_FDCWD, path, flags));                        \
    return REAL(name)(path, flags, mode);                        \
  }
OPEN(open)
OPEN(open64)

#define WRAP(kind, result, name, parameters, arguments) \
  result name parameters {                              \
    CALL(kind);                                         \
    return REAL(name) arguments;                        \
  }
WRAP(opening, int, dup, (int fd), (fd))
WRAP(mutation | space, int, creat, (const char* path, mode_t mode), (path, mode))

// What is there already takes no space and changes nothing, also on a full disk.
int mkdirat(int dir, const char* path, mode_t mode) {
  if (!exists(dir, path)) CALL(mutation | space);
  return REAL(mkdirat)(dir, path, mode);
}

int mkdir(const char* path, mode_t mode) {
  if (!exists(AT_FDCWD, path)) CALL(mutation | space);
  return REAL(mkdir)(path, mode);
}

// A call that such a file system does not have changes nothing.
#define WRAP_UNLESS_PLAIN(kind, why, name, parameters, arguments) \
  int name parameters {                                           \
    if (plain) {                                                  \
      errno = why;                                                \
      return -1;                                                  \
    }                                                             \
    CALL(kind);                                                   \
    return REAL(name) arguments;                                  \
  }
WRAP_UNLESS_PLAIN(mutation | space, EPERM, link, (const char* from, const char* to), (from, to))
WRAP_UNLESS_PLAIN(mutation | space, EPERM, linkat, (int a, const char* from, int b, const char* to, int flags),
                  (a, from, b, to, flags))
WRAP_UNLESS_PLAIN(mutation | space, EPERM, symlink, (const char* target, const char* path), (target, path))
WRAP_UNLESS_PLAIN(mutation | space, EPERM, symlinkat, (const char* target, int dir, const char* path), (target, dir, path))
WRAP_UNLESS_PLAIN(mutation, EINVAL, renameat2, (int a, const char* from, int b, const char* to, unsigned flags),
                  (a, from, b, to, flags))
WRAP(mutation, int, rename, (const char* from, const char* to), (from, to))
WRAP(mutation, int, renameat, (int a, const char* from, int b, const char* to), (a, from, b, to))
WRAP(mutation, int, unlink, (const char* path), (path))
WRAP(mutation, int, rmdir, (const char* path), (path))
WRAP(mutation, int, unlinkat, (int dir, const char* path, int flags), (dir, path, flags))
WRAP(mutation, int, chmod, (const char* path, mode_t mode), (path, mode))
WRAP(mutation, int, fchmod, (int fd, mode_t mode), (fd, mode))
WRAP(mutation, int, fchmodat, (int dir, const char* path, mode_t mode, int flags), (dir, path, mode, flags))
WRAP(mutation, int, futimens, (int fd, const struct timespec times[2]), (fd, times))
WRAP(mutation, int, utimensat, (int dir, const char* path, const struct timespec times[2], int flags),
     (dir, path, times, flags))
WRAP(mutation | space, int, ftruncate, (int fd, off_t size), (fd, size))
WRAP(mutation | space, int, ftruncate64, (int fd, off64_t size), (fd, size))
WRAP(mutation | space, int, fallocate, (int fd, int mode, off_t at, off_t size), (fd, mode, at, size))
WRAP(mutation, int, fsync, (int fd), (fd))
WRAP(mutation, int, fdatasync, (int fd), (fd))
WRAP(mutation, int, syncfs, (int fd), (fd))
WRAP(mutation | space, ssize_t, copy_file_range, (int a, off64_t* at, int b, off64_t* to, size_t size, unsigned flags),
     (a, at, b, to, size, flags))
WRAP(mutation | space, ssize_t, sendfile, (int a, int b, off_t* at, size_t size), (a, b, at, size))

ssize_t write(int fd, const void* bytes, size_t size) {
  if (fd > 2 && fails(mutation | space, fd, bytes, size)) return -1;
  return REAL(write)(fd, bytes, size);
}

ssize_t writev(int fd, const struct iovec* parts, int count) {
  if (fd > 2) CALL(mutation | space);
  return REAL(writev)(fd, parts, count);
}

ssize_t pwrite(int fd, const void* bytes, size_t size, off_t at) {
  CALL(mutation | space);
  return REAL(pwrite)(fd, bytes, size, at);
}

ssize_t pwrite64(int fd, const void* bytes, size_t size, off64_t at) {
  CALL(mutation | space);
  return REAL(pwrite64)(fd, bytes, size, at);
}

int ioctl(int fd, unsigned long request, ...) {
  va_list rest;
  va_start(rest, request);
  void* argument = va_arg(rest, void*);
  va_end(rest);
  if (request == FICLONE) CALL(mutation | space);
  return REAL(ioctl)(fd, request, argument);
}
