# The libraries axle is built on. Some of Debian 12's have no usable CMake package: those come through pkg-config or
# find_path/find_library.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(OpenSSL REQUIRED)

foreach(module libzip libdeflate libisal tomlplusplus simdjson libcurl)
  pkg_check_modules(${module} REQUIRED IMPORTED_TARGET ${module})
endforeach()

find_path(GUMBO_INCLUDE gumbo.h REQUIRED)
find_library(GUMBO_LIBRARY gumbo REQUIRED)
add_library(axle_gumbo INTERFACE)
target_include_directories(axle_gumbo SYSTEM INTERFACE ${GUMBO_INCLUDE})
target_link_libraries(axle_gumbo INTERFACE ${GUMBO_LIBRARY})

find_path(CLI11_INCLUDE CLI/CLI.hpp REQUIRED)
add_library(axle_cli11 INTERFACE)
target_include_directories(axle_cli11 SYSTEM INTERFACE ${CLI11_INCLUDE})

find_path(NLOHMANN_JSON_INCLUDE nlohmann/json.hpp REQUIRED)
add_library(axle_nlohmann_json INTERFACE)
target_include_directories(axle_nlohmann_json SYSTEM INTERFACE ${NLOHMANN_JSON_INCLUDE})
