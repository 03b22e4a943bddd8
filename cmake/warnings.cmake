# The warnings that axle's own code is free of, on g++ and clang.
add_library(axle_warnings INTERFACE)
target_compile_options(axle_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion)
if(AXLE_WERROR)
  target_compile_options(axle_warnings INTERFACE -Werror)
endif()
