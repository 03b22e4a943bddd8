# Installation in two components: runtime (the program, its licence and its pages) and development (axle::axle with
# headers and package config). `cpack` makes a tar and a Debian package of the first.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(axle_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/axle)
install(TARGETS axle EXPORT axleTargets
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development
        FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development)
install(EXPORT axleTargets NAMESPACE axle:: DESTINATION ${axle_package_dir} COMPONENT development)
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/axleConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES cmake/dependencies.cmake DESTINATION ${axle_package_dir} COMPONENT development)
# axle_add_venv() needs nothing but the program.
foreach(component runtime development)
  install(FILES cmake/axleConfig.cmake cmake/axle_add_venv.cmake ${CMAKE_CURRENT_BINARY_DIR}/axleConfigVersion.cmake
          DESTINATION ${axle_package_dir} COMPONENT ${component})
endforeach()

if(TARGET axle_program)
  install(TARGETS axle_program RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT runtime)
endif()
file(GLOB axle_pages CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/docs/*.md)
install(FILES LICENSE README.md CHANGELOG.md ${axle_pages} DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT runtime)

set(CPACK_GENERATOR TGZ DEB)
set(CPACK_INSTALL_CMAKE_PROJECTS "${PROJECT_BINARY_DIR};axle;runtime;/")
set(CPACK_PACKAGE_VENDOR "axle")
set(CPACK_PACKAGE_CONTACT "The axle developers <axle@localhost>")
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_PACKAGE_FILE_NAME axle-${PROJECT_VERSION}-linux-${CMAKE_SYSTEM_PROCESSOR})
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION devel)
if(NOT AXLE_STATIC)
  set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
endif()
include(CPack)
