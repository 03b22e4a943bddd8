# The warnings that axle's own code is free of, on g++ and clang.
add_library(axle_warnings INTERFACE)
target_compile_options(axle_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion)
# g++ 12 sees overlaps in short std::strings (GCC bug 105651) and uninitialised alternatives of variants (105593).
target_compile_options(axle_warnings INTERFACE "$<$<CXX_COMPILER_ID:GNU>:-Wno-restrict;-Wno-maybe-uninitialized>")
if(AXLE_WERROR)
  target_compile_options(axle_warnings INTERFACE -Werror)
endif()
