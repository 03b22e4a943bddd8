// The floor program of scripts/bench: makes the directories of a tree and links or copies its files, with two threads,
// and does nothing else. What an installer takes beyond this is its own.
//
//   bench_limit link|copy SOURCE DESTINATION LIST
//
// LIST has a line for each directory, parents first, each followed by the names of its files and an empty line.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
  char* name;   // the directory
  char* files;  // names, each ending in a NUL; then an empty one
} Dir;

static Dir* dirs;
static size_t dir_count;
static atomic_size_t next_dir;
static int source_root, destination_root, copying;

static void fail(const char* what, const char* name) {
  fprintf(stderr, "bench_limit: %s: %s: %s\n", name, what, strerror(errno));
  exit(1);
}

static void copy_file(int from_dir, int to_dir, const char* name) {
  struct stat status;
  const int from = openat(from_dir, name, O_RDONLY | O_CLOEXEC);
  if (from < 0 || fstat(from, &status) != 0) fail("open", name);
  const int to = openat(to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, status.st_mode & 0777);
  if (to < 0) fail("create", name);
  for (off_t left = status.st_size; left > 0;) {
    const ssize_t done = copy_file_range(from, NULL, to, NULL, (size_t)left, 0);
    if (done <= 0) fail("copy", name);
    left -= done;
  }
  close(to);
  close(from);
}

static void* work(void* unused) {
  for (;;) {
    const size_t i = atomic_fetch_add(&next_dir, 1);
    if (i >= dir_count) return unused;
    if (*dirs[i].files == '\0') continue;
    const int from = openat(source_root, dirs[i].name, O_PATH | O_DIRECTORY | O_CLOEXEC);
    const int to = openat(destination_root, dirs[i].name, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (from < 0 || to < 0) fail("open", dirs[i].name);
    for (const char* name = dirs[i].files; *name != '\0'; name += strlen(name) + 1) {
      if (copying) {
        copy_file(from, to, name);
      } else if (linkat(from, name, to, name, 0) != 0) {
        fail("link", name);
      }
    }
    close(from);
    close(to);
  }
}

static void read_list(const char* path) {
  FILE* file = fopen(path, "r");
  struct stat status;
  if (file == NULL || fstat(fileno(file), &status) != 0) fail("open", path);
  char* text = malloc((size_t)status.st_size + 1);
  if (text == NULL || fread(text, 1, (size_t)status.st_size, file) != (size_t)status.st_size) fail("read", path);
  text[status.st_size] = '\0';
  fclose(file);
  size_t room = 0;
  for (char* at = text; *at != '\0';) {
    if (dir_count == room && (dirs = realloc(dirs, (room = room * 2 + 64) * sizeof *dirs)) == NULL) exit(1);
    char* end = strchr(at, '\n');
    *end = '\0';
    dirs[dir_count].name = at;
    dirs[dir_count++].files = at = end + 1;
    while (*at != '\n') {
      end = strchr(at, '\n');
      *end = '\0';
      at = end + 1;
    }
    *at++ = '\0';
  }
}

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  copying = strcmp(argv[1], "copy") == 0;
  read_list(argv[4]);
  umask(0);
  if (mkdir(argv[3], 0755) != 0) fail("make directory", argv[3]);
  source_root = open(argv[2], O_PATH | O_DIRECTORY);
  destination_root = open(argv[3], O_PATH | O_DIRECTORY);
  if (source_root < 0 || destination_root < 0) fail("open", argv[2]);
  for (size_t i = 0; i < dir_count; ++i) {
    if (strcmp(dirs[i].name, ".") != 0 && mkdirat(destination_root, dirs[i].name, 0755) != 0)
      fail("make directory", dirs[i].name);
  }
  pthread_t other;
  if (pthread_create(&other, NULL, work, NULL) != 0) fail("pthread_create", "");
  work(NULL);
  pthread_join(other, NULL);
  return 0;
}
