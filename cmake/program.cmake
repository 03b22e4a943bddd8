# How an executable of axle is linked.

# Links `target` with the library and the command line. With AXLE_STATIC the result needs nothing at run time: no
# loader, no libc, no name service modules. It is not position independent, because a static PIE would relocate itself
# at each start.
function(axle_link_program target)
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/src ${PROJECT_BINARY_DIR}/src)
  target_link_libraries(${target} PRIVATE axle::axle axle_warnings)
  if(TARGET axle_cli)
    target_link_libraries(${target} PRIVATE axle_cli axle_cli11 axle_nlohmann_json)
  endif()
  if(AXLE_STATIC)
    target_sources(${target} PRIVATE ${PROJECT_SOURCE_DIR}/cmake/static_names.c)
    target_compile_options(${target} PRIVATE -fno-pie)
    target_link_options(${target} PRIVATE -static -no-pie LINKER:--gc-sections)
    # See static_names.c.
    foreach(function getaddrinfo gethostbyname getservbyname getservbyport_r getpwuid_r dlopen)
      target_link_options(${target} PRIVATE LINKER:--wrap=${function})
    endforeach()
  else()
    target_link_options(${target} PRIVATE LINKER:--as-needed)
  endif()
  if(CMAKE_BUILD_TYPE STREQUAL "Release")
    target_link_options(${target} PRIVATE -s)
  endif()
endfunction()
