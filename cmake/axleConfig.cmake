# find_package(axle) gives axle_add_venv() and, where the development files are installed, axle::axle with what it is built
# on. find_package(axle COMPONENTS venv) gives the first alone, and looks for no library. With AXLE_STATIC (then
# AXLE_DEPS_PREFIX must name a prefix of scripts/build_deps) the libraries are archives.
include(${CMAKE_CURRENT_LIST_DIR}/axle_add_venv.cmake)
set(axle_venv_FOUND TRUE)
if(NOT axle_FIND_COMPONENTS STREQUAL "venv" AND EXISTS ${CMAKE_CURRENT_LIST_DIR}/axleTargets.cmake)
  include(${CMAKE_CURRENT_LIST_DIR}/dependencies.cmake)
  include(${CMAKE_CURRENT_LIST_DIR}/axleTargets.cmake)
endif()
