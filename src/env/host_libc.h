#pragma once
// Which C library a program uses and how new it is, from its ELF header and the library's file.
// spec: System V gABI "ELF header", "Program header" (PT_INTERP); PEP 600, PEP 656.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "axle/env/interpreter.h"

namespace axle {

// What an ELF program says of itself.
struct ProgramHeader {
  std::string arch;    // as in platform tags; "" for a machine that has none
  std::string loader;  // PT_INTERP; "" for a static program
};
// nullopt when `bytes` (the file, or as much of its beginning as holds the program headers) is no ELF
// program.
std::optional<ProgramHeader> parse_program_header(std::string_view bytes);

struct HostPlatform {
  std::string arch;
  Libc libc = Libc::none;
  std::string libc_file;  // "" = none; a changed one makes the tag stale
  std::string tag;        // "manylinux_2_36_x86_64"
};
// Of a Linux program; nullopt when the file is no ELF program. Throws Error(io) when it cannot be read.
std::optional<HostPlatform> read_host_platform(const std::string& program);

// "2.36" from the banner of libc.so.6, or from its newest version definition; "" when there is neither.
std::string glibc_version_in(std::string_view libc_bytes);
// "1.2.3" of a musl loader; "" when it cannot be told.
std::string musl_version_in(std::string_view loader_bytes);

}  // namespace axle
