// What launchers/windows.c needs of <windows.h>, on the machine that fuzzes it: one file in memory is every
// file that is read.
#ifndef AXLE_FUZZ_WINDOWS_H
#define AXLE_FUZZ_WINDOWS_H

#include <stddef.h>
#include <stdint.h>

#define __declspec(attribute) __attribute__((attribute))
#define WINAPI
#define TRUE 1
#define FALSE 0
#define INVALID_HANDLE_VALUE ((HANDLE)-1)
enum {
  HEAP_ZERO_MEMORY = 8,
  CP_UTF8 = 65001,
  FORMAT_MESSAGE_FROM_SYSTEM = 0x1000,
  FORMAT_MESSAGE_IGNORE_INSERTS = 0x200,
  FILE_SHARE_READ = 1,
  FILE_SHARE_WRITE = 2,
  FILE_SHARE_DELETE = 4,
  OPEN_EXISTING = 3,
  FILE_ATTRIBUTE_DIRECTORY = 0x10,
  FILE_ATTRIBUTE_NORMAL = 0x80,
  FILE_BEGIN = 0,
  STARTF_USESTDHANDLES = 0x100,
  CREATE_SUSPENDED = 4,
  DUPLICATE_SAME_ACCESS = 2,
  CTRL_C_EVENT = 0,
  CTRL_BREAK_EVENT = 1,
  JobObjectExtendedLimitInformation = 9,
  JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE = 0x2000,
  JOB_OBJECT_LIMIT_SILENT_BREAKAWAY_OK = 0x1000,
};
#define GENERIC_READ 0x80000000U
#define INVALID_FILE_ATTRIBUTES 0xFFFFFFFFU
#define INVALID_SET_FILE_POINTER 0xFFFFFFFFU
#define STD_INPUT_HANDLE 0xFFFFFFF6U
#define STD_OUTPUT_HANDLE 0xFFFFFFF5U
#define STD_ERROR_HANDLE 0xFFFFFFF4U
#define INFINITE 0xFFFFFFFFU

typedef wchar_t WCHAR;
typedef int BOOL, LONG;
typedef uint32_t DWORD, UINT;
typedef uint16_t WORD;
typedef void* HANDLE;
typedef struct {
  LONG e_lfanew;
} IMAGE_DOS_HEADER;
typedef struct {
  struct {
    WORD NumberOfSections;
  } FileHeader;
} IMAGE_NT_HEADERS;
typedef struct {
  DWORD PointerToRawData, SizeOfRawData;
} IMAGE_SECTION_HEADER;
#define IMAGE_FIRST_SECTION(headers) ((const IMAGE_SECTION_HEADER*)((headers) + 1))
typedef struct {
  struct {
    DWORD LimitFlags;
  } BasicLimitInformation;
} JOBOBJECT_EXTENDED_LIMIT_INFORMATION;
typedef struct {
  DWORD cb, dwFlags;
  HANDLE hStdInput, hStdOutput, hStdError;
} STARTUPINFOW;
typedef struct {
  HANDLE hProcess, hThread;
} PROCESS_INFORMATION;

#endif
