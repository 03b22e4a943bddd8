# The programs that axle puts before what an entry point starts, compiled here and held by axle as bytes.
# axle_add_launchers(TARGET) compiles each for which there is a compiler and adds the table of them to TARGET; a launcher
# without one is an empty row, and asking for it at run time is an error that says what to install.
#
# They are other programs than axle: no flag of the project or of the user reaches them, so the same compiler gives the same
# bytes in every kind of build.
set(axle_launchers_dir ${CMAKE_CURRENT_LIST_DIR})

# A compiler for Linux on ARCH, with what must be said to it, in OUT; empty without one.
function(axle_find_linux_compiler out arch)
  set(${out} "" PARENT_SCOPE)
  string(TOLOWER "${CMAKE_SYSTEM_PROCESSOR}" processor)
  if(CMAKE_SYSTEM_NAME STREQUAL "Linux" AND (processor STREQUAL arch OR (processor STREQUAL "amd64" AND arch STREQUAL "x86_64")))
    set(${out} ${CMAKE_C_COMPILER} PARENT_SCOPE)
    return()
  endif()
  find_program(AXLE_LAUNCHER_CC_${arch} NAMES ${arch}-linux-gnu-gcc)
  find_program(AXLE_LAUNCHER_CLANG NAMES clang)
  find_program(AXLE_LAUNCHER_LLD NAMES ld.lld)
  mark_as_advanced(AXLE_LAUNCHER_CC_${arch} AXLE_LAUNCHER_CLANG AXLE_LAUNCHER_LLD)
  if(AXLE_LAUNCHER_CC_${arch})
    set(${out} ${AXLE_LAUNCHER_CC_${arch}} PARENT_SCOPE)
  elseif(AXLE_LAUNCHER_CLANG AND AXLE_LAUNCHER_LLD)
    set(${out} ${AXLE_LAUNCHER_CLANG} --target=${arch}-linux-gnu --ld-path=${AXLE_LAUNCHER_LLD} PARENT_SCOPE)
  endif()
endfunction()

function(axle_add_launchers target)
  set(directory ${CMAKE_CURRENT_BINARY_DIR}/launchers)
  file(MAKE_DIRECTORY ${directory})
  set(rows)
  set(made)
  set(common -std=c11 -Os -ffreestanding -fno-builtin -fno-stack-protector -fno-ident -Wall -Wextra -nostdlib -s)

  foreach(arch x86_64 aarch64)
    axle_find_linux_compiler(compiler ${arch})
    set(output ${directory}/linux_${arch})
    set(rows ${rows} linux_${arch}=)
    if(compiler)
      add_custom_command(
        OUTPUT ${output}
        COMMAND ${compiler} ${common} -fno-asynchronous-unwind-tables -fno-unwind-tables -static -fno-pic -fno-pie -Wl,--build-id=none -Wl,-z,noexecstack
                -Wl,-T,${axle_launchers_dir}/linux.ld -o ${output} ${axle_launchers_dir}/linux.c
        DEPENDS ${axle_launchers_dir}/linux.c ${axle_launchers_dir}/linux_system.h ${axle_launchers_dir}/linux.ld
        COMMENT "Launcher for Linux on ${arch}" VERBATIM)
      list(POP_BACK rows)
      list(APPEND rows linux_${arch}=${output})
      list(APPEND made ${output})
    else()
      message(STATUS "No launcher for Linux on ${arch}: neither ${arch}-linux-gnu-gcc nor clang with lld is here")
    endif()
  endforeach()

  # mingw-w64's; -Wl,-e names the program's start, for nothing of a C run-time comes before. Times are left out.
  foreach(machine "amd64 x86_64 launcher_main" "x86 i686 _launcher_main")
    separate_arguments(machine)
    list(GET machine 0 arch)
    list(GET machine 1 triple)
    list(GET machine 2 start)
    find_program(AXLE_LAUNCHER_CC_win_${arch} NAMES ${triple}-w64-mingw32-gcc ${triple}-w64-mingw32-gcc-win32)
    find_program(AXLE_LAUNCHER_RC_win_${arch} NAMES ${triple}-w64-mingw32-windres)
    mark_as_advanced(AXLE_LAUNCHER_CC_win_${arch} AXLE_LAUNCHER_RC_win_${arch})
    if(NOT AXLE_LAUNCHER_CC_win_${arch} OR NOT AXLE_LAUNCHER_RC_win_${arch})
      message(STATUS "No launchers for Windows on ${arch}: ${triple}-w64-mingw32-gcc is not here")
      list(APPEND rows windows_${arch}_console= windows_${arch}_gui=)
      continue()
    endif()
    set(resource ${directory}/windows_${arch}.o)
    add_custom_command(
      OUTPUT ${resource}
      COMMAND ${AXLE_LAUNCHER_RC_win_${arch}} -I ${axle_launchers_dir} -i ${axle_launchers_dir}/windows.rc -O coff -o ${resource}
      DEPENDS ${axle_launchers_dir}/windows.rc ${axle_launchers_dir}/windows.manifest
      COMMENT "Resources of launchers for Windows on ${arch}" VERBATIM)
    foreach(kind console gui)
      set(output ${directory}/windows_${arch}_${kind}.exe)
      set(options -Wl,--subsystem,console)
      set(libraries -lkernel32)
      if(arch STREQUAL "x86")  # where the tables mean nothing to the system
        list(APPEND options -fno-asynchronous-unwind-tables -fno-unwind-tables)
      endif()
      if(kind STREQUAL "gui")
        list(TRANSFORM options REPLACE "subsystem,console" "subsystem,windows")
        list(APPEND options -DGUI)
        list(APPEND libraries -luser32)
      endif()
      add_custom_command(
        OUTPUT ${output}
        COMMAND ${AXLE_LAUNCHER_CC_win_${arch}} ${common} ${options} -Wl,-e,${start} -Wl,--no-insert-timestamp
                -o ${output} ${axle_launchers_dir}/windows.c ${resource} ${libraries}
        DEPENDS ${axle_launchers_dir}/windows.c ${resource}
        COMMENT "Launcher for Windows on ${arch}, ${kind}" VERBATIM)
      list(APPEND rows windows_${arch}_${kind}=${output})
      list(APPEND made ${output})
    endforeach()
  endforeach()

  set(table ${directory}/launcher_table.cc)
  add_custom_command(
    OUTPUT ${table}
    COMMAND ${CMAKE_COMMAND} -D OUTPUT=${table} "-D ROWS=${rows}" -P ${axle_launchers_dir}/embed.cmake
    DEPENDS ${made} ${axle_launchers_dir}/embed.cmake
    COMMENT "Table of launchers" VERBATIM)
  target_sources(${target} PRIVATE ${table})
endfunction()
