// launchers/windows.c on another system: launch() is one start of it, as if `bytes` stood behind its program (or
// in pyvenv.cfg) and `line` were its command line. Files are there whose name has an even length.

#include "windows.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

static jmp_buf ended;
static const char* file_bytes;
static DWORD file_size, file_at;
static const WCHAR* command;
static int started;  // the process that was started was named well: 1; badly: -1
static void* blocks[65536];
static size_t block_count;

static void* HeapAlloc(HANDLE heap, DWORD flags, size_t size) {
  (void)heap, (void)flags;
  if (block_count == sizeof blocks / sizeof *blocks) longjmp(ended, 1);
  return blocks[block_count++] = calloc(1, size);
}
static HANDLE GetProcessHeap(void) { return NULL; }
__attribute__((noreturn)) static void ExitProcess(UINT status) {
  (void)status;
  longjmp(ended, 1);
}
static DWORD GetFileAttributesW(const WCHAR* path) {
  return wcslen(path) % 2 == 0 ? FILE_ATTRIBUTE_NORMAL : INVALID_FILE_ATTRIBUTES;
}
static int MultiByteToWideChar(UINT page, DWORD flags, const char* from, int size, WCHAR* to, int room) {
  (void)page, (void)flags;
  for (int i = 0; i < size && i < room; ++i) to[i] = (unsigned char)from[i];
  return size;
}
static int WideCharToMultiByte(UINT page, DWORD flags, const WCHAR* from, int size, char* to, int room,
                               const char* unknown, BOOL* used) {
  (void)page, (void)flags, (void)unknown, (void)used;
  for (int i = 0; i < size && i < room; ++i) to[i] = (char)from[i];
  return size;
}
static DWORD FormatMessageW(DWORD flags, const void* source, DWORD id, DWORD language, WCHAR* to, DWORD room,
                            void* arguments) {
  (void)flags, (void)source, (void)id, (void)language, (void)to, (void)room, (void)arguments;
  return 0;
}
static BOOL WriteFile(HANDLE file, const void* bytes, DWORD size, DWORD* written, void* overlapped) {
  (void)file, (void)bytes, (void)overlapped;
  *written = size;
  return TRUE;
}
static HANDLE GetStdHandle(DWORD which) {
  (void)which;
  return NULL;
}
static DWORD GetModuleFileNameW(HANDLE module, WCHAR* path, DWORD room) {
  (void)module;
  const WCHAR* name = L"C:\\env\\Scripts\\demo.exe";
  if (wcslen(name) >= room) return room;
  wcscpy(path, name);
  return (DWORD)wcslen(name);
}
static HANDLE CreateFileW(const WCHAR* path, DWORD access, DWORD share, void* security, DWORD how, DWORD flags,
                          HANDLE model) {
  (void)path, (void)access, (void)share, (void)security, (void)how, (void)flags, (void)model;
  file_at = 0;
  return &file_at;
}
static DWORD SetFilePointer(HANDLE file, LONG to, LONG* high, DWORD from) {
  (void)file, (void)high, (void)from;
  return file_at = (DWORD)to;
}
static BOOL ReadFile(HANDLE file, char* to, DWORD size, DWORD* got, void* overlapped) {
  (void)file, (void)overlapped;
  *got = file_at < file_size ? (size < file_size - file_at ? size : file_size - file_at) : 0;
  memcpy(to, file_bytes + file_at, *got);
  file_at += *got;
  return TRUE;
}
static BOOL CloseHandle(HANDLE handle) { return handle != NULL; }
static const void* GetModuleHandleW(const WCHAR* name) {
  static const struct {
    IMAGE_DOS_HEADER dos;
    IMAGE_NT_HEADERS headers;  // of a program without sections: the file is what is behind it
  } none = {{offsetof(__typeof__(none), headers)}, {{0}}};
  (void)name;
  return &none;
}
static BOOL SetEnvironmentVariableW(const WCHAR* name, const WCHAR* value) { return name != value; }
static const WCHAR* GetCommandLineW(void) { return command; }
static HANDLE GetCurrentProcess(void) { return NULL; }
static BOOL DuplicateHandle(HANDLE from, HANDLE what, HANDLE to, HANDLE* copy, DWORD access, BOOL inherit, DWORD how) {
  (void)from, (void)what, (void)to, (void)copy, (void)access, (void)inherit, (void)how;
  return FALSE;
}
static HANDLE CreateJobObjectW(void* security, const WCHAR* name) {
  (void)security, (void)name;
  return NULL;
}
static BOOL SetInformationJobObject(HANDLE job, int kind, void* limits, DWORD size) {
  (void)job, (void)kind, (void)limits, (void)size;
  return TRUE;
}
static void GetStartupInfoW(STARTUPINFOW* startup) { startup->cb = sizeof *startup; }
static BOOL SetConsoleCtrlHandler(BOOL (*handler)(DWORD), BOOL add) {
  (void)handler;
  return add;
}
static BOOL CreateProcessW(const WCHAR* program, WCHAR* line, void* a, void* b, BOOL inherit, DWORD flags, void* c,
                           const WCHAR* dir, STARTUPINFOW* startup, PROCESS_INFORMATION* child) {
  (void)a, (void)b, (void)inherit, (void)flags, (void)c, (void)dir, (void)startup, (void)child;
  const size_t size = wcslen(program);
  const int named = line[0] == '"' && wcsncmp(line + 1, program, size) == 0 && line[1 + size] == '"';
  started = named && GetFileAttributesW(program) == FILE_ATTRIBUTE_NORMAL ? 1 : -1;
  return TRUE;
}
static BOOL AssignProcessToJobObject(HANDLE job, HANDLE process) { return job != process; }
static DWORD ResumeThread(HANDLE thread) { return thread != NULL; }
static DWORD WaitForSingleObject(HANDLE handle, DWORD time) { return handle != NULL && time != 0; }
static BOOL GetExitCodeProcess(HANDLE process, DWORD* status) {
  (void)process;
  *status = 0;
  return TRUE;
}
static DWORD GetLastError(void) { return 0; }

// The launcher brings its own.
#define memcpy launcher_memcpy
#define memset launcher_memset
#include "../../../launchers/windows.c"
#undef memcpy
#undef memset

int launch(const char* bytes, size_t size, const wchar_t* line) {
  file_bytes = bytes;
  file_size = (DWORD)size;
  command = line;
  started = 0;
  block_count = 0;
  if (setjmp(ended) == 0) launcher_main();
  while (block_count > 0) free(blocks[--block_count]);
  return started;
}
