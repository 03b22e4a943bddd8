#pragma once
// What a program without a libc needs of Linux: its start, six calls, and the words of their errors.

typedef unsigned long usize;
typedef unsigned int u32;
typedef unsigned char u8;

#define AT_FDCWD (-100)
#define PATH_MAX 4096

// main_of takes the stack as the kernel leaves it: argc, argv, 0, environment, 0, auxiliary vector.
__attribute__((used, noreturn)) void main_of(usize* stack);

#if defined(__x86_64__)
__asm__(
    ".section .text._start\n.globl _start\n.type _start,@function\n_start:\n"
    "xor %ebp, %ebp\nmov %rsp, %rdi\nand $-16, %rsp\ncall main_of\nud2\n.text\n");
enum {
  call_write = 1,
  call_mmap = 9,
  call_execve = 59,
  call_getcwd = 79,
  call_exit_group = 231,
  call_readlinkat = 267
};
static inline long system_call(long number, long a, long b, long c, long d, long e, long f) {
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}
#elif defined(__aarch64__)
__asm__(
    ".section .text._start\n.globl _start\n.type _start,%function\n_start:\n"
    "mov x29, #0\nmov x30, #0\nmov x0, sp\nand sp, x0, #-16\nbl main_of\nbrk #0\n.text\n");
enum {
  call_getcwd = 17,
  call_write = 64,
  call_readlinkat = 78,
  call_exit_group = 94,
  call_execve = 221,
  call_mmap = 222
};
static inline long system_call(long number, long a, long b, long c, long d, long e, long f) {
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  register long x4 __asm__("x4") = e;
  register long x5 __asm__("x5") = f;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
  return x0;
}
#else
#error "no launcher for this processor"
#endif

// Each gives a result >= 0, or the negative number of an error.
static inline long sys_write(int fd, const char* bytes, usize size) {
  return system_call(call_write, fd, (long)bytes, (long)size, 0, 0, 0);
}
static inline long sys_readlink(const char* path, char* target, usize size) {
  return system_call(call_readlinkat, AT_FDCWD, (long)path, (long)target, (long)size, 0, 0);
}
static inline long sys_getcwd(char* path, usize size) {
  return system_call(call_getcwd, (long)path, (long)size, 0, 0, 0, 0);
}
static inline long sys_execve(const char* path, char** argv, char** environment) {
  return system_call(call_execve, (long)path, (long)argv, (long)environment, 0, 0, 0);
}
// Memory of zeros.
static inline long sys_memory(usize size) {
  const long read_write = 3, private_anonymous = 0x22;
  return system_call(call_mmap, 0, (long)size, read_write, private_anonymous, -1, 0);
}
__attribute__((noreturn)) static inline void sys_exit(int status) {
  for (;;) system_call(call_exit_group, status, 0, 0, 0, 0, 0);
}

enum {
  E_NOENT = 2,
  E_2BIG = 7,
  E_NOEXEC = 8,
  E_NOMEM = 12,
  E_ACCES = 13,
  E_NOTDIR = 20,
  E_INVAL = 22,
  E_NAMETOOLONG = 36,
  E_LOOP = 40
};

static inline const char* words_of(long error) {
  switch (error) {
    case E_NOENT:
      return ": it, or the loader that it names, is not there";
    case E_2BIG:
      return ": the arguments and the environment are too long";
    case E_NOEXEC:
      return ": it is no program for this system";
    case E_NOMEM:
      return ": there is no memory";
    case E_ACCES:
      return ": permission denied, or no program";
    case E_NOTDIR:
      return ": a part of its path is no directory";
    case E_NAMETOOLONG:
      return ": its path is too long";
    case E_LOOP:
      return ": too many symbolic links";
    default:
      return ": the system refuses it";
  }
}
