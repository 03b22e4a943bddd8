// The Windows launcher: one program with two uses, which tells them apart by what is behind its last byte.
//
//  * Behind it stand "#!", the interpreter's path, a line end and a zip with __main__.py (the convention of
//  distlib): it is
//    the launcher of an entry point. It starts the interpreter with itself as the script, and Python runs the
//    zip.
//  * Nothing of that stands there: it is an environment's python.exe. It reads `home` of pyvenv.cfg and
//  starts that
//    installation's interpreter, and tells it by __PYVENV_LAUNCHER__ whom it stands for, as CPython's own
//    venvlauncher does.
//
// Windows has no execve(2), so the launcher stays: the interpreter gets the launcher's standard handles, dies
// with it (a job object), and gives it its exit status. Ctrl-C and Ctrl-Break reach both, and the interpreter
// answers.
//
// It needs kernel32 alone (and user32 with -DGUI), no C run-time, so that its bytes depend on the compiler
// only.

#define WIN32_LEAN_AND_MEAN
#define UNICODE
#include <windows.h>

enum { max_line = 32768, max_config = 65536, not_found = 127, not_started = 126 };

// Compilers write calls of these.
void* memcpy(void* to, const void* from, size_t size) {
  for (size_t i = 0; i < size; ++i) ((volatile char*)to)[i] = ((const char*)from)[i];
  return to;
}
void* memset(void* to, int value, size_t size) {
  for (size_t i = 0; i < size; ++i) ((volatile char*)to)[i] = (char)value;
  return to;
}

// Zeros; never freed, for the process is one start of another.
static void* new_bytes(size_t size) {
  void* bytes = HeapAlloc(GetProcessHeap(), HEAP_ZERO_MEMORY, size);
  if (bytes == NULL) ExitProcess(not_started);
  return bytes;
}

static size_t length(const WCHAR* text) {
  size_t size = 0;
  while (text[size] != 0) ++size;
  return size;
}

static WCHAR* join(const WCHAR* first, size_t first_size, const WCHAR* second) {
  const size_t second_size = length(second);
  WCHAR* text = new_bytes((first_size + second_size + 1) * sizeof(WCHAR));
  memcpy(text, first, first_size * sizeof(WCHAR));
  memcpy(text + first_size, second, second_size * sizeof(WCHAR));
  return text;
}

static WCHAR lower(WCHAR c) { return c >= 'A' && c <= 'Z' ? (WCHAR)(c + 32) : c; }

// Where `text` goes on after `prefix`, compared without case, or NULL.
static const WCHAR* after(const WCHAR* text, const WCHAR* prefix) {
  for (; *prefix != 0; ++text, ++prefix) {
    if (lower(*text) != lower(*prefix)) return NULL;
  }
  return text;
}

static const WCHAR* file_name(const WCHAR* path) {
  const WCHAR* name = path;
  for (; *path != 0; ++path) {
    if (*path == '\\' || *path == '/') name = path + 1;
  }
  return name;
}

static BOOL is_there(const WCHAR* path) {
  const DWORD attributes = GetFileAttributesW(path);
  return attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY) == 0;
}

static WCHAR* wide(const char* bytes, int size) {
  WCHAR* text = new_bytes(((size_t)size + 1) * sizeof(WCHAR));
  if (size > 0 && MultiByteToWideChar(CP_UTF8, 0, bytes, size, text, size) == 0) *text = 0;
  return text;
}

// ---- Failing ----

static const WCHAR* self;  // this program's path

__declspec(noreturn) static void fail(const WCHAR* what, const WCHAR* path, DWORD error, UINT status) {
  WCHAR* text = join(self, length(self), L": ");
  text = join(text, length(text), what);
  text = join(text, length(text), path);
  if (error != 0) {
    WCHAR* why = new_bytes(1024 * sizeof(WCHAR));
    FormatMessageW(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, NULL, error, 0, why, 1000,
                   NULL);
    for (WCHAR* c = why; *c != 0; ++c) {
      if (*c == '\r' || *c == '\n') *c = 0;
    }
    text = join(text, length(text), L": ");
    text = join(text, length(text), why);
  }
#ifdef GUI
  MessageBoxW(NULL, text, file_name(self), MB_OK | MB_ICONERROR);
#else
  text = join(text, length(text), L"\r\n");
  const int room = (int)length(text) * 4 + 1;
  char* bytes = new_bytes((size_t)room);
  const int size = WideCharToMultiByte(CP_UTF8, 0, text, (int)length(text), bytes, room, NULL, NULL);
  DWORD written;
  WriteFile(GetStdHandle(STD_ERROR_HANDLE), bytes, (DWORD)size, &written, NULL);
#endif
  ExitProcess(status);
}

// ---- What am I ----

static WCHAR* find_self(void) {
  for (DWORD room = 512; room <= 65536; room *= 2) {
    WCHAR* path = new_bytes(room * sizeof(WCHAR));
    const DWORD size = GetModuleFileNameW(NULL, path, room);
    if (size > 0 && size < room) return path;
  }
  ExitProcess(not_started);
}

static HANDLE open_to_read(const WCHAR* path) {
  const DWORD share = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
  return CreateFileW(path, GENERIC_READ, share, NULL, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, NULL);
}

// Up to `size` bytes of a file from `offset`; how many there were.
static DWORD read_at(HANDLE file, DWORD offset, char* bytes, DWORD size) {
  DWORD all = 0;
  if (SetFilePointer(file, (LONG)offset, NULL, FILE_BEGIN) == INVALID_SET_FILE_POINTER) return 0;
  while (all < size) {
    DWORD got = 0;
    if (!ReadFile(file, bytes + all, size - all, &got, NULL) || got == 0) break;
    all += got;
  }
  return all;
}

// The first byte behind the program, told by its own headers in memory. spec: PE/COFF, section headers.
static DWORD end_of_program(void) {
  const char* base = (const char*)GetModuleHandleW(NULL);
  const IMAGE_NT_HEADERS* headers =
      (const IMAGE_NT_HEADERS*)(base + ((const IMAGE_DOS_HEADER*)base)->e_lfanew);
  const IMAGE_SECTION_HEADER* section = IMAGE_FIRST_SECTION(headers);
  DWORD end = 0;
  for (WORD i = 0; i < headers->FileHeader.NumberOfSections; ++i, ++section) {
    const DWORD last = section->PointerToRawData + section->SizeOfRawData;
    if (section->SizeOfRawData != 0 && last > end) end = last;
  }
  return end;
}

// The line after "#!", or NULL.
static WCHAR* read_shebang(void) {
  HANDLE file = open_to_read(self);
  if (file == INVALID_HANDLE_VALUE) fail(L"cannot read itself", L"", GetLastError(), not_started);
  char* bytes = new_bytes(max_line);
  const DWORD size = read_at(file, end_of_program(), bytes, max_line);
  CloseHandle(file);
  if (size < 2 || bytes[0] != '#' || bytes[1] != '!') return NULL;
  DWORD end = 2;
  while (end < size && bytes[end] != '\n') ++end;
  if (end == size) fail(L"the line that names the interpreter has no end", L"", 0, not_started);
  if (bytes[end - 1] == '\r') --end;
  return wide(bytes + 2, (int)end - 2);
}

// ---- What to start ----

struct Start {
  const WCHAR* program;
  const WCHAR* arguments;  // of the "#!" line
};

static const WCHAR* beside(const WCHAR* name) { return join(self, (size_t)(file_name(self) - self), name); }

// `line` is the path, in double quotes or without a space, and arguments. "<launcher_dir>\" at its start is
// the launcher's directory. An interpreter that is not there is looked for beside the launcher: the
// environment was moved.
static struct Start start_of_line(WCHAR* line) {
  struct Start start;
  while (*line == ' ' || *line == '\t') ++line;
  const BOOL quoted = *line == '"';
  if (quoted) ++line;
  WCHAR* end = line;
  while (*end != 0 && (quoted ? *end != '"' : *end != ' ' && *end != '\t')) ++end;
  start.arguments = *end != 0 ? end + 1 : end;
  *end = 0;
  const WCHAR* relative = after(line, L"<launcher_dir>\\");
  start.program = relative != NULL ? beside(relative) : line;
  if (!is_there(start.program)) {
    const WCHAR* near_self = beside(file_name(start.program));
    if (!is_there(near_self)) fail(L"the interpreter is not there: ", start.program, 0, not_found);
    start.program = near_self;
  }
  return start;
}

// The value of a key of pyvenv.cfg, or NULL. spec: PEP 405: "key = value", keys in any case.
static WCHAR* value_of(WCHAR* config, const WCHAR* key) {
  for (WCHAR* line = config; *line != 0;) {
    WCHAR* end = line;
    while (*end != 0 && *end != '\r' && *end != '\n') ++end;
    const WCHAR* rest;
    while (*line == ' ' || *line == '\t') ++line;
    if ((rest = after(line, key)) != NULL) {
      while (*rest == ' ' || *rest == '\t') ++rest;
      if (*rest == '=') {
        ++rest;
        while (*rest == ' ' || *rest == '\t') ++rest;
        while (end > rest && (end[-1] == ' ' || end[-1] == '\t')) --end;
        WCHAR* value = new_bytes(((size_t)(end - rest) + 1) * sizeof(WCHAR));
        memcpy(value, rest, (size_t)(end - rest) * sizeof(WCHAR));
        return value;
      }
    }
    line = end;
    while (*line == '\r' || *line == '\n') ++line;
  }
  return NULL;
}

static WCHAR* read_config(const WCHAR* path) {
  HANDLE file = open_to_read(path);
  if (file == INVALID_HANDLE_VALUE) return NULL;
  char* bytes = new_bytes(max_config);
  DWORD size = read_at(file, 0, bytes, max_config);
  CloseHandle(file);
  if (size >= 3 && bytes[0] == '\xEF' && bytes[1] == '\xBB' && bytes[2] == '\xBF') {
    bytes += 3;
    size -= 3;
  }
  return wide(bytes, (int)size);
}

// "python3.13t.exe" of the base installation; for windows the one beside it whose name has a w.
static const WCHAR* find_in(const WCHAR* home, const WCHAR* name) {
  const size_t size = length(home);
  const WCHAR* separator = size > 0 && (home[size - 1] == '\\' || home[size - 1] == '/') ? L"" : L"\\";
  const WCHAR* directory = join(home, size, separator);
#ifdef GUI
  const WCHAR* rest = after(name, L"python");
  if (rest != NULL && lower(*rest) != 'w') {
    const WCHAR* windowed = join(L"pythonw", 7, rest);
    const WCHAR* path = join(directory, length(directory), windowed);
    if (is_there(path)) return path;
    return join(directory, length(directory), L"pythonw.exe");
  }
#endif
  return join(directory, length(directory), name);
}

static struct Start start_of_environment(void) {
  // The directory above the program's is looked at first, as Python itself does.
  const WCHAR* directory = beside(L"");
  size_t above = length(directory);
  if (above > 0) --above;
  while (above > 0 && directory[above - 1] != '\\' && directory[above - 1] != '/') --above;
  WCHAR* config = read_config(join(directory, above, L"pyvenv.cfg"));
  if (config == NULL) config = read_config(beside(L"pyvenv.cfg"));
  if (config == NULL) fail(L"there is no pyvenv.cfg in this directory or above it", L"", 0, not_started);
  const WCHAR* home = value_of(config, L"home");
  if (home == NULL || *home == 0) fail(L"pyvenv.cfg has no home", L"", 0, not_started);
  const WCHAR* executable = value_of(config, L"executable");
  struct Start start = {NULL, L""};
  if (executable != NULL && *file_name(executable) != 0) start.program = find_in(home, file_name(executable));
  if (start.program == NULL || !is_there(start.program)) {
    const WCHAR* same_name = find_in(home, file_name(self));
    if (start.program == NULL || is_there(same_name)) start.program = same_name;
  }
  if (!is_there(start.program)) fail(L"the interpreter is not there: ", start.program, 0, not_found);
  SetEnvironmentVariableW(L"__PYVENV_LAUNCHER__", self);
  return start;
}

// ---- Starting ----

// The command line behind the program's own name. spec: CommandLineToArgvW: quotes in the first word only
// group.
static const WCHAR* arguments_of_user(void) {
  const WCHAR* line = GetCommandLineW();
  for (BOOL quoted = FALSE; *line != 0 && (quoted || (*line != ' ' && *line != '\t')); ++line) {
    if (*line == '"') quoted = !quoted;
  }
  while (*line == ' ' || *line == '\t') ++line;
  return line;
}

static WCHAR* append(WCHAR* text, const WCHAR* more) { return join(text, length(text), more); }

static HANDLE inheritable(DWORD which) {
  HANDLE handle = GetStdHandle(which), copy = NULL;
  if (handle == NULL || handle == INVALID_HANDLE_VALUE) return NULL;
  if (!DuplicateHandle(GetCurrentProcess(), handle, GetCurrentProcess(), &copy, 0, TRUE,
                       DUPLICATE_SAME_ACCESS))
    return NULL;
  return copy;
}

static BOOL WINAPI leave_to_interpreter(DWORD event) {
  return event == CTRL_C_EVENT || event == CTRL_BREAK_EVENT;
}

static DWORD run(const WCHAR* program, WCHAR* command_line) {
#ifdef GUI
  // The busy cursor goes when a program of windows has asked for a message.
  MSG message;
  PostMessageW(NULL, 0, 0, 0);
  GetMessageW(&message, NULL, 0, 0);
#endif
  HANDLE job = CreateJobObjectW(NULL, NULL);
  JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits;
  memset(&limits, 0, sizeof limits);
  limits.BasicLimitInformation.LimitFlags =
      JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE | JOB_OBJECT_LIMIT_SILENT_BREAKAWAY_OK;
  if (job != NULL) SetInformationJobObject(job, JobObjectExtendedLimitInformation, &limits, sizeof limits);

  STARTUPINFOW startup;
  memset(&startup, 0, sizeof startup);
  GetStartupInfoW(&startup);
  startup.cb = sizeof startup;
  startup.hStdInput = inheritable(STD_INPUT_HANDLE);
  startup.hStdOutput = inheritable(STD_OUTPUT_HANDLE);
  startup.hStdError = inheritable(STD_ERROR_HANDLE);
  startup.dwFlags |= STARTF_USESTDHANDLES;
  PROCESS_INFORMATION child;
  memset(&child, 0, sizeof child);
  SetConsoleCtrlHandler(leave_to_interpreter, TRUE);
  if (!CreateProcessW(program, command_line, NULL, NULL, TRUE, CREATE_SUSPENDED, NULL, NULL, &startup,
                      &child))
    fail(L"cannot start ", program, GetLastError(), not_started);
  if (job != NULL) AssignProcessToJobObject(job, child.hProcess);
  ResumeThread(child.hThread);
  CloseHandle(child.hThread);
  WaitForSingleObject(child.hProcess, INFINITE);
  DWORD status = not_started;
  GetExitCodeProcess(child.hProcess, &status);
  return status;
}

// The entry point of the program; nothing of a C run-time comes before.
void launcher_main(void) {
  self = find_self();
  WCHAR* line = read_shebang();
  const struct Start start = line != NULL ? start_of_line(line) : start_of_environment();
  WCHAR* command_line = join(L"\"", 1, start.program);
  command_line = append(command_line, L"\"");
  if (*start.arguments != 0) {
    command_line = append(command_line, L" ");
    command_line = append(command_line, start.arguments);
  }
  if (line != NULL) {
    command_line = append(command_line, L" \"");
    command_line = append(command_line, self);
    command_line = append(command_line, L"\"");
  }
  const WCHAR* rest = arguments_of_user();
  if (*rest != 0) {
    command_line = append(command_line, L" ");
    command_line = append(command_line, rest);
  }
  ExitProcess(run(start.program, command_line));
}
