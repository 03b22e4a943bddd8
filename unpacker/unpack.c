// The first part of a one-file program (`axle bundle --one-file`): it unpacks what is behind it once, and starts
// it.
//
// Why a program of its own. The image is compressed, and something has to decompress it where nothing is
// installed: no shell, no tar, no zstd, no libc. So this is linked statically with the decompressor of libzstd
// and goes before the image; axle holds it as bytes. docs/bundle.md has the format.
//
// Where it unpacks to. The cache is the first of these that can be used: $AXLE_BUNDLE_CACHE,
// $XDG_CACHE_HOME/axle-bundles, $HOME/.cache/axle-bundles, /tmp/axle-bundles-UID. "Can be used" means: a real
// directory of this user that nobody else can write to, on a file system from which programs may be started.
// The name of the tree holds a digest of all its content, so that another version is another tree.
//
// What holds at every moment. A tree is made beside its place, under a lock, and comes to be by one rename.
// So whoever sees it sees all of it; a kill leaves only a directory with a dot before its name, which the next
// one that holds the lock removes; and of several first starts one unpacks while the others wait. At every
// start each file is compared with the manifest by kind, size and time: what was deleted, cut or edited is
// noticed, and the tree made anew. The manifest is in this file, not in the cache.

#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <zstd.h>

enum { FOOTER_SIZE = 104, RECORD_SIZE = 32 };

struct Footer {
  uint64_t manifest_offset, manifest_size, manifest_raw;
  uint64_t data_offset, data_size, data_raw;
  char key[33];
};

// A record of the manifest; paths are ended by NUL.
struct Record {
  char kind;  // 'd', 'f', 'l'
  int executable;
  uint64_t size;
  int64_t mtime;
  const char* path;
  const char* target;
};

struct Image {
  int fd;
  struct Footer footer;
  const uint8_t* manifest;
  const char* name;   // of the tree, for people
  const char* start;  // the program in it
};

static const char* program = "axle-bundle";
static char staged[PATH_MAX];  // what an error has to take away

static int remove_one(const char* path, const struct stat* status, int kind, struct FTW* at) {
  (void)status, (void)kind, (void)at;
  remove(path);
  return 0;
}
static void remove_staged(void) {
  if (staged[0] != 0) nftw(staged, remove_one, 32, FTW_DEPTH | FTW_PHYS);
  staged[0] = 0;
}

static _Noreturn void die(const char* what, const char* path, int error) {
  remove_staged();
  fprintf(stderr, "%s: %s%s%s%s%s\n", program, what, path[0] ? ": " : "", path, error ? ": " : "",
          error ? strerror(error) : "");
  exit(127);
}
static _Noreturn void damaged(const char* what) {
  remove_staged();
  fprintf(stderr, "%s: this file is damaged: %s; get it again\n", program, what);
  exit(127);
}

static uint64_t number(const uint8_t* bytes, int size) {
  uint64_t value = 0;
  for (int i = size - 1; i >= 0; --i) value = value << 8 | bytes[i];
  return value;
}

static void read_exactly(int fd, void* into, uint64_t size, uint64_t offset) {
  uint8_t* to = into;
  while (size > 0) {
    const ssize_t got = pread(fd, to, size > 1 << 30 ? 1 << 30 : size, (off_t)offset);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) die("cannot read", "", errno);
    if (got == 0) damaged("it ends too early");
    to += got;
    size -= (uint64_t)got;
    offset += (uint64_t)got;
  }
}

// ---- The image ----

static int open_self(void) {
  int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  const char* called = (const char*)getauxval(AT_EXECFN);
  if (fd < 0 && called != NULL) fd = open(called, O_RDONLY | O_CLOEXEC);
  if (fd < 0) die("cannot open this program", called ? called : "", errno);
  return fd;
}

static void read_footer(struct Image* image) {
  struct stat status;
  if (fstat(image->fd, &status) != 0) die("cannot look at this program", "", errno);
  const uint64_t size = (uint64_t)status.st_size;
  uint8_t bytes[FOOTER_SIZE];
  if (size < FOOTER_SIZE) damaged("it has no image");
  read_exactly(image->fd, bytes, FOOTER_SIZE, size - FOOTER_SIZE);
  if (memcmp(bytes, "axleimg1", 8) != 0) damaged("it has no image");
  uint64_t* fields[] = {&image->footer.manifest_offset, &image->footer.manifest_size,
                        &image->footer.manifest_raw,    &image->footer.data_offset,
                        &image->footer.data_size,       &image->footer.data_raw};
  for (int i = 0; i < 6; ++i) *fields[i] = number(bytes + 8 + 8 * i, 8);
  memcpy(image->footer.key, bytes + 56, 32);
  image->footer.key[32] = 0;
  for (const char* c = image->footer.key; *c; ++c) {
    if (strchr("0123456789abcdef", *c) == NULL) damaged("its key is none");
  }
  const struct Footer* f = &image->footer;
  if (f->manifest_offset > size || f->manifest_size > size - f->manifest_offset || f->data_offset > size ||
      f->data_size > size - f->data_offset || f->manifest_raw > 1 << 30) {
    damaged("its parts do not fit in it");
  }
}

// Relative, without empty components, "." and "..".
static int is_safe(const char* path) {
  if (*path == 0) return 0;
  for (;;) {
    const char* end = strchrnul(path, '/');
    const size_t size = (size_t)(end - path);
    if (size == 0 || (size == 1 && path[0] == '.') || (size == 2 && path[0] == '.' && path[1] == '.')) return 0;
    if (*end == 0) return 1;
    path = end + 1;
  }
}

// The record at `*at`, which moves on; 0 at the end.
static int next_record(const struct Image* image, uint64_t* at, struct Record* record) {
  const uint64_t rest = image->footer.manifest_raw - *at;
  if (rest == 0) return 0;
  if (rest < RECORD_SIZE) damaged("its manifest ends too early");
  const uint8_t* bytes = image->manifest + *at;
  record->kind = (char)bytes[0];
  record->executable = bytes[1];
  const uint64_t path_size = number(bytes + 8, 4);
  const uint64_t target_size = number(bytes + 12, 4);
  record->size = number(bytes + 16, 8);
  record->mtime = (int64_t)number(bytes + 24, 8);
  if (path_size == 0 || target_size == 0 || path_size + target_size > rest - RECORD_SIZE) {
    damaged("its manifest ends too early");
  }
  record->path = (const char*)bytes + RECORD_SIZE;
  record->target = record->path + path_size;
  if (record->path[path_size - 1] != 0 || record->target[target_size - 1] != 0) damaged("a path in it has no end");
  *at += RECORD_SIZE + path_size + target_size;
  return 1;
}

// The first record names the tree and what to start in it; all paths are looked at once, here.
static uint64_t read_manifest(struct Image* image) {
  const struct Footer* f = &image->footer;
  void* packed = malloc(f->manifest_size + 1);
  void* raw = malloc(f->manifest_raw + 1);
  if (packed == NULL || raw == NULL) die("out of memory", "", 0);
  read_exactly(image->fd, packed, f->manifest_size, f->manifest_offset);
  const size_t got = ZSTD_decompress(raw, f->manifest_raw, packed, f->manifest_size);
  if (ZSTD_isError(got) || got != f->manifest_raw) damaged("its manifest cannot be unpacked");
  free(packed);
  image->manifest = raw;
  uint64_t at = 0;
  struct Record record;
  if (!next_record(image, &at, &record) || record.kind != 's') damaged("it does not say what to start");
  image->name = record.path;
  image->start = record.target;
  if (!is_safe(image->name) || strchr(image->name, '/') != NULL || !is_safe(image->start)) {
    damaged("what it starts is no path");
  }
  const uint64_t first = at;
  while (next_record(image, &at, &record)) {
    if (!is_safe(record.path) || strchr("dfl", record.kind) == NULL) damaged("a path in it is none");
  }
  return first;
}

// ---- A tree that is there ----

static int is_whole(const struct Image* image, uint64_t at, int root) {
  struct Record record;
  struct stat status;
  while (next_record(image, &at, &record)) {
    if (fstatat(root, record.path, &status, AT_SYMLINK_NOFOLLOW) != 0) return 0;
    switch (record.kind) {
      case 'd':
        if (!S_ISDIR(status.st_mode)) return 0;
        break;
      case 'l':
        if (!S_ISLNK(status.st_mode) || (uint64_t)status.st_size != strlen(record.target)) return 0;
        break;
      default:
        if (!S_ISREG(status.st_mode) || (uint64_t)status.st_size != record.size ||
            status.st_mtim.tv_sec != record.mtime || (record.executable && (status.st_mode & 0100) == 0)) {
          return 0;
        }
    }
  }
  return 1;
}

// Comes back when the tree is not there or not whole.
static void start_if_whole(const struct Image* image, uint64_t first, int cache, const char* cache_path,
                           const char* tree, char** argv, char** environment) {
  const int root = openat(cache, tree, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (root < 0) return;
  if (is_whole(image, first, root)) {
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/%s/%s", cache_path, tree, image->start) >= (int)sizeof path) {
      die("the path is too long", cache_path, 0);
    }
    execve(path, argv, environment);
    die("cannot start", path, errno);
  }
  close(root);
}

// ---- Unpacking ----

// What killed starts left of this tree; only the holder of the lock may.
static void remove_left(int cache, const char* cache_path, const char* tree) {
  const int copy = openat(cache, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* list = copy < 0 ? NULL : fdopendir(copy);
  if (list == NULL) return;
  char prefix[NAME_MAX + 1], path[PATH_MAX];
  const int size = snprintf(prefix, sizeof prefix, ".%s.", tree);
  for (const struct dirent* entry; (entry = readdir(list)) != NULL;) {
    if (strncmp(entry->d_name, prefix, (size_t)size) != 0) continue;
    if (snprintf(path, sizeof path, "%s/%s", cache_path, entry->d_name) < (int)sizeof path) {
      nftw(path, remove_one, 32, FTW_DEPTH | FTW_PHYS);
    }
  }
  closedir(list);
}

// The bytes of all files, one after another.
struct Stream {
  int fd;
  uint64_t offset, rest;
  ZSTD_DStream* zstd;
  ZSTD_inBuffer in;
  void* in_bytes;
  size_t in_limit;
};

// At most `size` bytes; never 0.
static size_t read_stream(struct Stream* stream, void* into, size_t size) {
  ZSTD_outBuffer out = {into, size, 0};
  while (out.pos == 0) {
    if (stream->in.pos == stream->in.size) {
      const size_t want = stream->rest < stream->in_limit ? (size_t)stream->rest : stream->in_limit;
      read_exactly(stream->fd, stream->in_bytes, want, stream->offset);
      stream->offset += want;
      stream->rest -= want;
      stream->in = (ZSTD_inBuffer){stream->in_bytes, want, 0};
    }
    const size_t before = stream->in.pos;
    const size_t result = ZSTD_decompressStream(stream->zstd, &out, &stream->in);
    if (ZSTD_isError(result)) damaged(ZSTD_getErrorName(result));
    if (out.pos == 0 && stream->in.pos == before && stream->rest == 0) damaged("its content ends too early");
  }
  return out.pos;
}

static int write_all(int fd, const char* bytes, size_t size) {
  while (size > 0) {
    const ssize_t done = write(fd, bytes, size);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return -1;
    bytes += done;
    size -= (size_t)done;
  }
  return 0;
}

static int unpack_file(int root, const struct Record* record, struct Stream* stream, char* buffer, size_t limit) {
  const int fd = openat(root, record->path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                        record->executable ? 0755 : 0644);
  if (fd < 0) return -1;
  int result = 0;
  for (uint64_t rest = record->size; rest > 0 && result == 0;) {
    const size_t got = read_stream(stream, buffer, rest < limit ? (size_t)rest : limit);
    result = write_all(fd, buffer, got);
    rest -= got;
  }
  const struct timespec times[2] = {{record->mtime, 0}, {record->mtime, 0}};
  if (result == 0) result = futimens(fd, times);
  if (close(fd) != 0) result = -1;
  return result;
}

// 0, or -1 with errno: the place is full, read-only, ...
static int unpack(const struct Image* image, uint64_t at, int root) {
  const size_t limit = 1 << 20;
  struct Stream stream = {image->fd,        image->footer.data_offset, image->footer.data_size, ZSTD_createDStream(),
                          {NULL, 0, 0}, malloc(limit),             limit};
  char* buffer = malloc(limit);
  if (stream.zstd == NULL || stream.in_bytes == NULL || buffer == NULL) die("out of memory", "", 0);
  ZSTD_DCtx_setParameter(stream.zstd, ZSTD_d_windowLogMax, 27);
  struct Record record;
  int result = 0;
  while (result == 0 && next_record(image, &at, &record)) {
    if (record.kind == 'd') {
      result = mkdirat(root, record.path, 0755);
    } else if (record.kind == 'l') {
      result = symlinkat(record.target, root, record.path);
    } else {
      result = unpack_file(root, &record, &stream, buffer, limit);
    }
  }
  // The end of the stream holds the checksum of all of it.
  char rest;
  ZSTD_outBuffer none = {&rest, result == 0 ? 1 : 0, 0};
  while (result == 0 && (stream.in.pos < stream.in.size || stream.rest > 0)) {
    if (stream.in.pos == stream.in.size) {
      const size_t want = stream.rest < limit ? (size_t)stream.rest : limit;
      read_exactly(stream.fd, stream.in_bytes, want, stream.offset);
      stream.offset += want;
      stream.rest -= want;
      stream.in = (ZSTD_inBuffer){stream.in_bytes, want, 0};
    }
    const size_t got = ZSTD_decompressStream(stream.zstd, &none, &stream.in);
    if (ZSTD_isError(got) || none.pos != 0) damaged("its content has a wrong checksum");
  }
  const int error = errno;
  ZSTD_freeDStream(stream.zstd);
  free(stream.in_bytes);
  free(buffer);
  errno = error;
  return result;
}

// Makes the tree, or makes it anew; -1 with errno when this cache cannot have it.
static int make_tree(const struct Image* image, uint64_t first, int cache, const char* cache_path, const char* tree) {
  char stage[NAME_MAX + 1], path[PATH_MAX];
  if (snprintf(stage, sizeof stage, ".%s.%ld", tree, (long)getpid()) >= (int)sizeof stage ||
      snprintf(path, sizeof path, "%s/%s", cache_path, stage) >= (int)sizeof path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  remove_left(cache, cache_path, tree);
  if (mkdirat(cache, stage, 0700) != 0) return -1;
  memcpy(staged, path, sizeof staged);
  const int root = openat(cache, stage, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  int result = root < 0 ? -1 : unpack(image, first, root);
  if (result == 0) {
    result = renameat(cache, stage, cache, tree);
    // A damaged tree is there: they change places, and it goes with the stage.
    if (result != 0 && (errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR)) {
      result = renameat2(cache, stage, cache, tree, RENAME_EXCHANGE);
    }
  }
  const int error = errno;
  if (root >= 0) close(root);
  remove_staged();
  errno = error;
  return result;
}

// ---- Caches ----

// A directory of this user that nobody else can write to; made when absent, with those above it.
static int open_cache(const char* path) {
  char part[PATH_MAX];
  if (path[0] != '/' || strlen(path) >= sizeof part) {
    errno = path[0] != '/' ? EINVAL : ENAMETOOLONG;
    return -1;
  }
  for (const char* slash = path; (slash = strchr(slash + 1, '/')) != NULL;) {
    memcpy(part, path, (size_t)(slash - path));
    part[slash - path] = 0;
    mkdir(part, strcmp(part, "/tmp") == 0 ? 01777 : 0700);
  }
  mkdir(path, 0700);
  const int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return -1;
  struct stat status;
  struct statvfs system;
  int error = 0;
  if (fstat(fd, &status) != 0 || fstatvfs(fd, &system) != 0) {
    error = errno;
  } else if (status.st_uid != geteuid() || (status.st_mode & 022) != 0) {
    error = EPERM;
  } else if ((system.f_flag & ST_NOEXEC) != 0) {
    error = EACCES;
  }
  if (error == 0) return fd;
  close(fd);
  errno = error;
  return -1;
}

// Comes back when this cache cannot be used.
static void start_from(const struct Image* image, uint64_t first, const char* path, char** argv,
                       char** environment, mode_t mask) {
  const int cache = open_cache(path);
  if (cache < 0) return;
  char tree[NAME_MAX + 1], lock_name[NAME_MAX + 1];
  if (snprintf(tree, sizeof tree, "%.64s-%s", image->name, image->footer.key) >= (int)sizeof tree ||
      snprintf(lock_name, sizeof lock_name, "%s.lock", tree) >= (int)sizeof lock_name) {
    die("its name is too long", image->name, 0);
  }
  umask(mask);
  start_if_whole(image, first, cache, path, tree, argv, environment);
  umask(0);
  const int lock = openat(cache, lock_name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (lock >= 0) {
    while (flock(lock, LOCK_EX) != 0 && errno == EINTR) continue;
    umask(mask);
    start_if_whole(image, first, cache, path, tree, argv, environment);  // another one was faster
    umask(0);
    const int made = make_tree(image, first, cache, path, tree);
    const int error = errno;
    close(lock);
    umask(mask);
    if (made == 0) start_if_whole(image, first, cache, path, tree, argv, environment);
    umask(0);
    errno = made == 0 ? EIO : error;
  }
  const int error = errno;
  close(cache);
  errno = error;
}

int main(int argc, char** argv) {
  extern char** environ;
  if (argc > 0 && argv[0] != NULL) program = argv[0];
  struct Image image = {.fd = open_self()};
  read_footer(&image);
  const uint64_t first = read_manifest(&image);
  const mode_t mask = umask(0);

  const char* own = getenv("AXLE_BUNDLE_CACHE");
  const char* xdg = getenv("XDG_CACHE_HOME");
  const char* home = getenv("HOME");
  char path[PATH_MAX], tried[PATH_MAX] = "";
  int error = 0;
  for (int i = 0; i < 4; ++i) {
    int size = -1;
    if (i == 0 && own != NULL && own[0] != 0) size = snprintf(path, sizeof path, "%s", own);
    if (i == 1 && xdg != NULL && xdg[0] == '/') size = snprintf(path, sizeof path, "%s/axle-bundles", xdg);
    if (i == 2 && home != NULL && home[0] == '/') size = snprintf(path, sizeof path, "%s/.cache/axle-bundles", home);
    if (i == 3) size = snprintf(path, sizeof path, "/tmp/axle-bundles-%ld", (long)geteuid());
    if (size < 0 || size >= (int)sizeof path) continue;
    start_from(&image, first, path, argv, environ, mask);
    if (tried[0] == 0) {
      error = errno;
      strcpy(tried, path);
    }
    if (i == 0) break;  // who names a cache wants that one
  }
  fprintf(stderr,
          "%s: cannot unpack to %s: %s\n"
          "hint: AXLE_BUNDLE_CACHE names a directory of your own from which programs may be started\n",
          program, tried, strerror(error));
  return 127;
}
