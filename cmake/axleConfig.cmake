# find_package(axle) gives axle::axle and finds what it is built on. With AXLE_STATIC (then AXLE_DEPS_PREFIX must name a
# prefix of scripts/build_deps) those libraries are archives.
include(${CMAKE_CURRENT_LIST_DIR}/dependencies.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/axleTargets.cmake)
