# Writes OUTPUT, a C++ file with the bytes of each launcher. ROWS is a list of NAME=FILE; without FILE the launcher is empty.
set(arrays)
set(cases)
foreach(row IN LISTS ROWS)
  string(REGEX MATCH "^([a-z0-9_]+)=(.*)$" matched "${row}")
  set(name ${CMAKE_MATCH_1})
  set(file "${CMAKE_MATCH_2}")
  if(file STREQUAL "")
    string(APPEND cases "    case Stub::${name}:\n      return {};\n")
    continue()
  endif()
  file(READ ${file} hex HEX)
  string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," hex "${hex}")
  string(APPEND arrays "constexpr unsigned char ${name}_bytes[] = {\n${hex}};\n\n")
  string(APPEND cases "    case Stub::${name}:\n      return text(${name}_bytes);\n")
endforeach()
file(WRITE ${OUTPUT} "// Made by launchers/embed.cmake.
#include <cstddef>

#include \"plan/launcher_stubs.h\"

namespace axle {
namespace {

template <std::size_t size>
std::string_view text(const unsigned char (&bytes)[size]) noexcept {
  return {reinterpret_cast<const char*>(bytes), size};
}

${arrays}}  // namespace

std::string_view launcher_stub(Stub stub) noexcept {
  switch (stub) {
${cases}  }
  return {};
}

}  // namespace axle
")
