// The native launcher: a program that starts a Python near it.
//
// It needs no libc, no shell, no /proc and no writable memory but its stack, so it runs in an image that
// holds nothing but an interpreter and what that needs. What to start stands in the configuration
// (docs/launchers.md) that axle appends to the program's one segment, so it is in memory already when the
// program starts: nothing is read.
//
// Where am I? The interpreter lies at a path relative to the launcher's directory, so the launcher must know
// its own:
//
//  1. /proc/self/exe is the real file, links followed. A link in ~/bin to an environment's tool finds that
//  environment.
//  2. Without /proc the same is computed: AT_EXECFN is the path that execve(2) was given. Whoever looked the
//  name up on
//     PATH put the directory before it, so it is never a bare name that would have to be looked up again.
//  3. Where the interpreter is not beside the real file, the directories on the way are tried: of the path as
//  it was
//     called, and of each link from there to the real file. So a tree whose every file is a link into a store
//     works.
//
// argv[0] plays no part: the caller may give anything. The interpreter gets its own path as argv[0], since
// Python finds pyvenv.cfg by it, and the launcher's path, as it was called, as the script's name: what a "#!"
// script would get.

#include "linux_system.h"

extern const u8 launcher_config[];  // the end of the program, where axle appends

// Compilers write calls of these.
__attribute__((used)) void* memcpy(void* to, const void* from, usize size) {
  for (usize i = 0; i < size; ++i) ((volatile u8*)to)[i] = ((const u8*)from)[i];
  return to;
}
__attribute__((used)) void* memset(void* to, int value, usize size) {
  for (usize i = 0; i < size; ++i) ((volatile u8*)to)[i] = (u8)value;
  return to;
}

static usize length(const char* text) {
  usize size = 0;
  while (text[size] != 0) ++size;
  return size;
}

// Where `text` goes on after `prefix`, or 0.
static const char* after(const char* text, const char* prefix) {
  for (; *prefix != 0; ++text, ++prefix) {
    if (*text != *prefix) return 0;
  }
  return text;
}

// A text in memory of a fixed size; too much makes it `full`, and it is not used then.
struct Text {
  char* at;
  usize size, limit;
  int full;
};

static void put(struct Text* text, const char* bytes, usize size) {
  if (size >= text->limit - text->size) {
    text->full = 1;
    return;
  }
  memcpy(text->at + text->size, bytes, size);
  text->size += size;
  text->at[text->size] = 0;
}
static void put_all(struct Text* text, const char* bytes) { put(text, bytes, length(bytes)); }

// Without the last component: "/a/b" gives "/a", "/b" gives "". What follows is appended with a '/'.
static void cut_component(struct Text* path) {
  while (path->size > 0 && path->at[path->size - 1] != '/') --path->size;
  while (path->size > 0 && path->at[path->size - 1] == '/') --path->size;
  path->at[path->size] = 0;
}

struct Path {
  struct Text text;
  char bytes[PATH_MAX];
};

static void empty(struct Path* path) {
  path->text = (struct Text){path->bytes, 0, sizeof path->bytes, 0};
  path->bytes[0] = 0;
}
static void assign(struct Path* to, const struct Path* from) {
  empty(to);
  put(&to->text, from->bytes, from->text.size);
  to->text.full |= from->text.full;
}

struct Launcher {
  const char* called;   // as execve was given it, or the real path where that is no path
  struct Path real;     // the real path of this program; empty when it cannot be found
  usize strings, room;  // the arena
  long error;           // why nothing was started
  struct Path failed;
};

// ---- Where am I ----

static void make_absolute(struct Path* out, const char* path) {
  empty(out);
  if (*path != '/') {
    const long got = sys_getcwd(out->bytes, sizeof out->bytes);
    // A working directory outside of the root is told as "(unreachable)/...".
    if (got <= 0 || out->bytes[0] != '/') {
      out->text.full = 1;
      return;
    }
    out->text.size = (usize)got - 1;
    if (out->text.size > 1) put_all(&out->text, "/");
  }
  put_all(&out->text, path);
}

// The target of a link, as a path that can be used from here; 0 when `path` is no link.
static int follow(const struct Path* path, struct Path* out) {
  char target[PATH_MAX];
  const long size = sys_readlink(path->bytes, target, sizeof target - 1);
  if (size <= 0) return 0;
  target[size] = 0;
  empty(out);
  if (target[0] != '/') {
    put(&out->text, path->bytes, path->text.size);
    cut_component(&out->text);
    put_all(&out->text, "/");
  }
  put_all(&out->text, target);
  return !out->text.full;
}

// realpath(3): every component, links followed. Fails with an empty `out`.
static void resolve(const char* path, struct Path* out) {
  struct Path rest, next;
  make_absolute(&rest, path);
  empty(out);
  int links = 0;
  usize at = 0;
  while (!rest.text.full && at < rest.text.size) {
    while (rest.bytes[at] == '/') ++at;
    usize end = at;
    while (end < rest.text.size && rest.bytes[end] != '/') ++end;
    const usize size = end - at;
    const char* component = rest.bytes + at;
    at = end;
    if (size == 0 || (size == 1 && component[0] == '.')) continue;
    if (size == 2 && component[0] == '.' && component[1] == '.') {
      cut_component(&out->text);
      continue;
    }
    put_all(&out->text, "/");
    put(&out->text, component, size);
    if (out->text.full) break;
    if (!follow(out, &next)) continue;
    if (++links > 40) break;
    put(&next.text, rest.bytes + at, rest.text.size - at);
    assign(&rest, &next);
    at = 0;
    empty(out);
  }
  if (rest.text.full || out->text.full || links > 40) empty(out);
}

static void find_self(struct Launcher* self, const char* called) {
  empty(&self->real);
  const long size = sys_readlink("/proc/self/exe", self->real.bytes, sizeof self->real.bytes - 1);
  if (size > 0 && self->real.bytes[0] == '/') {
    self->real.text.size = (usize)size;
    self->real.bytes[size] = 0;
  } else if (called != 0) {
    resolve(called, &self->real);
  }
  // fexecve(3) tells a descriptor that the interpreter would not have.
  if (called != 0 && after(called, "/dev/fd/") == 0) {
    self->called = called;
  } else {
    self->called = self->real.bytes;
  }
}

// ---- The configuration: records of "key=value", each ended by a NUL ----

struct Config {
  const char* first;
  const char* end;
};

static u32 number_at(const u8* bytes) {
  return (u32)bytes[0] | (u32)bytes[1] << 8 | (u32)bytes[2] << 16 | (u32)bytes[3] << 24;
}

// axle writes it and nobody else, so only what would make the launcher run away is checked.
static int read_config(struct Config* config) {
  const u8* bytes = launcher_config;
  if (after((const char*)bytes, "axlelnch") == 0 || number_at(bytes + 8) != 1) return 0;
  const u32 size = number_at(bytes + 12);
  if (size < 16 || size > 65536 || bytes[size - 1] != 0) return 0;
  config->first = (const char*)bytes + 16;
  config->end = (const char*)bytes + size;
  return 1;
}

#define FOR_EACH_RECORD(record, config) \
  for (const char* record = (config)->first; record < (config)->end; record += length(record) + 1)

// ---- Starting ----

// What one attempt is made of, in memory that is used anew for each.
struct Attempt {
  char** argv;
  usize argc;
  char** environment;
  usize variables;
  struct Text strings;
};

static char* begin_string(struct Attempt* attempt) { return attempt->strings.at + attempt->strings.size; }
static char* end_string(struct Attempt* attempt, char* start) {
  if (attempt->strings.size + 1 < attempt->strings.limit) {
    attempt->strings.at[attempt->strings.size++] = 0;
  } else {
    attempt->strings.full = 1;
  }
  return start;
}

// `path` as seen from `directory`; "../" at its start is taken away together with the directory's last
// component, which the system would do as well, since `directory` holds no links.
static void put_path(struct Text* out, const struct Path* directory, const char* path) {
  if (*path == '/') {
    put_all(out, path);
    return;
  }
  usize size = directory->text.size;
  for (const char* rest; (rest = after(path, "../")) != 0; path = rest) {
    while (size > 0 && directory->bytes[size - 1] != '/') --size;
    while (size > 0 && directory->bytes[size - 1] == '/') --size;
  }
  put(out, directory->bytes, size);
  put_all(out, "/");
  put_all(out, path);
}

// A value in which $ORIGIN is the launcher's directory.
static void put_value(struct Text* out, const struct Path* directory, const char* value) {
  while (*value != 0) {
    const char* rest = after(value, "$ORIGIN");
    if (rest != 0) {
      put(out, directory->bytes, directory->text.size);
      value = rest;
    } else {
      put(out, value++, 1);
    }
  }
}

static usize name_length(const char* variable) {
  usize size = 0;
  while (variable[size] != 0 && variable[size] != '=') ++size;
  return size;
}

// The place of a variable, or the number of all.
static usize find_variable(const struct Attempt* attempt, const char* name) {
  const usize size = name_length(name);
  usize i = 0;
  for (; i < attempt->variables; ++i) {
    const char* row = attempt->environment[i];
    usize same = 0;
    while (same < size && row[same] == name[same]) ++same;
    if (same == size && row[size] == '=') break;
  }
  return i;
}

static void unset(struct Attempt* attempt, const char* name) {
  usize at;
  while ((at = find_variable(attempt, name)) < attempt->variables) {
    for (--attempt->variables; at < attempt->variables; ++at)
      attempt->environment[at] = attempt->environment[at + 1];
  }
}

static void change_environment(struct Attempt* attempt, const struct Path* directory, const char* record) {
  const char* value;
  if ((value = after(record, "unset=")) != 0) {
    unset(attempt, value);
    return;
  }
  if ((value = after(record, "default=")) != 0) {
    if (find_variable(attempt, value) < attempt->variables) return;
  } else if ((value = after(record, "set=")) != 0) {
    unset(attempt, value);
  } else {
    return;
  }
  char* start = begin_string(attempt);
  put_value(&attempt->strings, directory, value);
  attempt->environment[attempt->variables++] = end_string(attempt, start);
}

static void add_argument(struct Attempt* attempt, const struct Launcher* self, const struct Path* directory,
                         const char* record) {
  const char* value;
  char* start = begin_string(attempt);
  if ((value = after(record, "arg=")) != 0) {
    attempt->argv[attempt->argc++] = (char*)value;
  } else if ((value = after(record, "path=")) != 0) {
    put_path(&attempt->strings, directory, value);
    attempt->argv[attempt->argc++] = end_string(attempt, start);
  } else if (after(record, "self=") != 0) {
    attempt->argv[attempt->argc++] = (char*)self->called;
  }
}

// The first error that says more than "not there" is the one to report.
static void note_failure(struct Launcher* self, long error, const char* path) {
  if (self->error != 0 && (error == E_NOENT || error == E_NOTDIR)) return;
  if (self->error != 0 && self->error != E_NOENT && self->error != E_NOTDIR) return;
  self->error = error;
  empty(&self->failed);
  put_all(&self->failed.text, path);
}

// Starts what lies in or near `directory`; comes back when nothing does.
static void start_from(struct Launcher* self, const struct Config* config, const struct Path* directory,
                       char** argv, char** environment) {
  const int first_place = self->error == 0;
  usize arguments = 0, variables = 0;
  while (argv[arguments] != 0) ++arguments;
  while (environment[variables] != 0) ++variables;

  FOR_EACH_RECORD(record, config) {
    const char* interpreter = after(record, "interpreter=");
    if (interpreter == 0 || (*interpreter == '/' && !first_place)) continue;
    // Pointers first, strings behind them; see room_for().
    struct Attempt attempt;
    usize records = 0;
    FOR_EACH_RECORD(counted, config)++ records;
    attempt.argv = (char**)self->strings;
    attempt.environment = attempt.argv + records + arguments + 2;
    char* strings = (char*)(attempt.environment + records + variables + 1);
    attempt.strings = (struct Text){strings, 0, self->room - (usize)(strings - (char*)self->strings), 0};
    attempt.argc = 1;
    attempt.variables = variables;
    for (usize i = 0; i < variables; ++i) attempt.environment[i] = environment[i];

    char* path = begin_string(&attempt);
    put_path(&attempt.strings, directory, interpreter);
    end_string(&attempt, path);
    attempt.argv[0] = path;
    FOR_EACH_RECORD(other, config) {
      const char* value = after(other, "argv0=");
      if (value != 0) {
        char* start = begin_string(&attempt);
        put_path(&attempt.strings, directory, value);
        attempt.argv[0] = end_string(&attempt, start);
      }
      add_argument(&attempt, self, directory, other);
      change_environment(&attempt, directory, other);
    }
    for (usize i = 1; i < arguments; ++i) attempt.argv[attempt.argc++] = argv[i];
    attempt.argv[attempt.argc] = 0;
    attempt.environment[attempt.variables] = 0;
    if (attempt.strings.full) {
      note_failure(self, E_NAMETOOLONG, path);
      continue;
    }
    note_failure(self, -sys_execve(path, attempt.argv, attempt.environment), path);
  }
}

// Memory for one attempt: pointers, and strings of which each record makes at most one, with a path for each
// '$' and one for the start.
static int make_room(struct Launcher* self, const struct Config* config, char** argv, char** environment) {
  usize pointers = 4, strings = (usize)(config->end - config->first) + PATH_MAX + 64;
  for (; *argv != 0; ++argv) ++pointers;
  for (; *environment != 0; ++environment) ++pointers;
  FOR_EACH_RECORD(record, config) {
    pointers += 2;
    strings += PATH_MAX;
    for (const char* c = record; *c != 0; ++c) strings += *c == '$' ? PATH_MAX : 0;
  }
  self->room = pointers * sizeof(char*) + strings;
  const long memory = sys_memory(self->room);
  if (memory < 0 && memory > -4096) return 0;
  self->strings = (usize)memory;
  return 1;
}

__attribute__((noreturn)) static void fail(const struct Launcher* self, const char* what, const char* path,
                                           const char* why, int status) {
  const char* parts[] = {self->called != 0 ? self->called : "launcher", ": ", what, path, why, "\n"};
  for (usize i = 0; i < sizeof parts / sizeof parts[0]; ++i) sys_write(2, parts[i], length(parts[i]));
  sys_exit(status);
}

void main_of(usize* stack) {
  const usize argc = stack[0];
  char** argv = (char**)(stack + 1);
  char** environment = argv + argc + 1;
  usize* auxiliary = (usize*)environment;
  while (*auxiliary != 0) ++auxiliary;
  const char* called = 0;
  usize secure = 0;
  for (++auxiliary; *auxiliary != 0; auxiliary += 2) {
    if (auxiliary[0] == 31) called = (const char*)auxiliary[1];  // AT_EXECFN
    if (auxiliary[0] == 23) secure = auxiliary[1];               // AT_SECURE
  }
  if (called != 0 && *called == 0) called = 0;

  struct Launcher self;
  self.called = 0;
  self.error = 0;
  self.failed.bytes[0] = 0;
  find_self(&self, called);
  // The caller's environment and links would choose what runs with the rights of another.
  if (secure != 0) fail(&self, "a launcher does not run set-user-ID or set-group-ID", "", "", 126);
  struct Config config;
  if (!read_config(&config)) fail(&self, "the launcher has no configuration", "", "", 126);
  if (argc == 0) argv = environment - 1;  // the NULL that ends it
  if (!make_room(&self, &config, argv, environment)) fail(&self, "there is no memory", "", "", 126);

  struct Path directory, path, next;
  assign(&directory, &self.real);
  if (directory.text.size > 0) {
    cut_component(&directory.text);
    start_from(&self, &config, &directory, argv, environment);
  }
  // Then the way here.
  if (called != 0) {
    make_absolute(&path, called);
    for (int links = 0; links < 40 && !path.text.full; ++links) {
      assign(&next, &path);
      cut_component(&next.text);
      resolve(next.text.size > 0 ? next.bytes : "/", &directory);
      start_from(&self, &config, &directory, argv, environment);
      if (!follow(&path, &next)) break;
      assign(&path, &next);
    }
  }
  if (self.error == 0) fail(&self, "the launcher cannot find its own place", "", "", 126);
  fail(&self, "cannot start ", self.failed.bytes, words_of(self.error),
       self.error == E_NOENT || self.error == E_NOTDIR ? 127 : 126);
}
