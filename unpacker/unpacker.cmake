# The unpacker of one-file programs (unpack.c): a static program with the decompressor of libzstd, which axle holds as
# bytes. axle_add_unpacker(TARGET) compiles it and adds a file that holds it to TARGET; where the static library of zstd
# or of the C library is missing the bytes are none, and --one-file says what to install.
#
# It is another program than axle: the same flags in every kind of build.
set(axle_unpacker_dir ${CMAKE_CURRENT_LIST_DIR})

function(axle_add_unpacker target)
  find_library(AXLE_UNPACKER_ZSTD NAMES libzstd.a)
  find_library(AXLE_UNPACKER_LIBC NAMES libc.a)
  mark_as_advanced(AXLE_UNPACKER_ZSTD AXLE_UNPACKER_LIBC)
  set(directory ${CMAKE_CURRENT_BINARY_DIR}/unpacker)
  file(MAKE_DIRECTORY ${directory})
  set(source ${directory}/unpacker_bytes.cc)
  if(AXLE_UNPACKER_ZSTD AND AXLE_UNPACKER_LIBC)
    set(program ${directory}/unpack)
    add_custom_command(
      OUTPUT ${program}
      COMMAND ${CMAKE_C_COMPILER} -std=gnu11 -O2 -Wall -Wextra -ffunction-sections -fdata-sections -fno-pie -no-pie -static
              -Wl,--gc-sections -Wl,--build-id=none -Wl,-z,noexecstack -s -o ${program} ${axle_unpacker_dir}/unpack.c
              ${AXLE_UNPACKER_ZSTD}
      DEPENDS ${axle_unpacker_dir}/unpack.c
      COMMENT "Unpacker of one-file programs" VERBATIM)
  else()
    message(STATUS "No unpacker of one-file programs: libzstd.a or libc.a is missing")
    set(program ${directory}/none)
    file(WRITE ${program} "")
  endif()
  # Not an array in a source: a megabyte of numbers takes a compiler seconds.
  file(CONFIGURE OUTPUT ${source} CONTENT [[
#include "exec/bundle_image.h"

asm(R"(
.section .rodata.axle_unpacker, "a", @progbits
.balign 16
.hidden axle_unpacker_begin
.globl axle_unpacker_begin
axle_unpacker_begin:
.incbin "@program@"
.hidden axle_unpacker_end
.globl axle_unpacker_end
axle_unpacker_end:
.byte 0
.previous
)");

extern "C" const char axle_unpacker_begin[];
extern "C" const char axle_unpacker_end[];

namespace axle {

std::string_view unpacker_program() noexcept {
  return {axle_unpacker_begin, static_cast<std::size_t>(axle_unpacker_end - axle_unpacker_begin)};
}
std::string_view unpacker_machine() noexcept {
#if defined(__x86_64__)
  return "x86_64";
#elif defined(__aarch64__)
  return "aarch64";
#else
  return "";
#endif
}

}  // namespace axle
]] @ONLY)
  set_source_files_properties(${source} PROPERTIES OBJECT_DEPENDS ${program})
  target_sources(${target} PRIVATE ${source})
endfunction()
