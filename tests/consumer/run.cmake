# Installs the development files of BUILD into a directory of its own, then builds and runs SOURCE against them.
set(scratch ${BUILD}/consumer)
file(REMOVE_RECURSE ${scratch})
set(run COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${CMAKE_COMMAND} --install ${BUILD} --prefix ${scratch}/prefix --component development
                OUTPUT_QUIET ${run})
execute_process(COMMAND ${CMAKE_COMMAND} -S ${SOURCE} -B ${scratch}/build -G Ninja -DCMAKE_PREFIX_PATH=${scratch}/prefix
                        -DCMAKE_CXX_COMPILER=${COMPILER} -DCMAKE_CXX_FLAGS=${FLAGS} -DAXLE_STATIC=${STATIC}
                        -DAXLE_DEPS_PREFIX=${PREFIX}
                ${run})
execute_process(COMMAND ${CMAKE_COMMAND} --build ${scratch}/build ${run})
execute_process(COMMAND ${scratch}/build/consumer OUTPUT_VARIABLE printed ${run})
if(NOT printed STREQUAL "pkg/__init__.py\n")
  message(FATAL_ERROR "the consumer printed: ${printed}")
endif()
