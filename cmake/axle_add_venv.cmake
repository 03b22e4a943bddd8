# axle_add_venv(TARGET OUTPUT DIR WHEELS WHEEL... [PYTHON_VERSION X.Y] [TARGET_PYTHON PATH] [PROMPT TEXT]
#               [ON_CONFLICT error|first|last] [ALL])
#
# An environment at DIR (relative to the binary directory) from wheels (relative to the source directory), built by the
# target TARGET. Each wheel is unpacked by a step of its own, and one step makes the environment of the trees: a changed
# wheel repeats its own step and the last. TARGET_PYTHON is the interpreter that bin/python leads to; where it is not
# given, that of find_package(Python3) is taken, and its version for PYTHON_VERSION.
#
# The program is $AXLE_EXECUTABLE of CMake, else the one beside this package, else `axle` on PATH.
include_guard(GLOBAL)

find_program(AXLE_EXECUTABLE axle HINTS ${CMAKE_CURRENT_LIST_DIR}/../../../bin ${CMAKE_CURRENT_LIST_DIR}/../../../../bin)

# A step of axle whose stamp is OUTPUT. axle leaves an unchanged stamp as it is, so that Ninja goes no further; Make
# would repeat the step for ever, and gets a new time.
function(_axle_add_step stamp comment)
  cmake_parse_arguments(PARSE_ARGV 2 step "" "" "ARGUMENTS;DEPENDS;BYPRODUCTS")
  set(touch)
  if(NOT CMAKE_GENERATOR MATCHES "Ninja")
    set(touch COMMAND ${CMAKE_COMMAND} -E touch ${stamp})
  endif()
  add_custom_command(
    OUTPUT ${stamp} BYPRODUCTS ${step_BYPRODUCTS}
    COMMAND ${AXLE_EXECUTABLE} action ${step_ARGUMENTS} --stamp ${stamp} --depfile ${stamp}.d ${touch}
    DEPENDS ${step_DEPENDS} DEPFILE ${stamp}.d COMMENT ${comment} VERBATIM)
endfunction()

function(axle_add_venv target)
  cmake_parse_arguments(PARSE_ARGV 1 venv "ALL" "OUTPUT;PYTHON_VERSION;TARGET_PYTHON;PROMPT;ON_CONFLICT" "WHEELS")
  if(NOT venv_OUTPUT OR NOT venv_WHEELS OR venv_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "axle_add_venv(TARGET OUTPUT DIR WHEELS WHEEL... ): what is given makes no sense")
  endif()
  if(NOT AXLE_EXECUTABLE)
    message(FATAL_ERROR "axle_add_venv() needs the axle program: set AXLE_EXECUTABLE")
  endif()
  if(NOT venv_TARGET_PYTHON)
    find_package(Python3 REQUIRED COMPONENTS Interpreter)
    # What was found may be a script that chooses an interpreter (pyenv), or that of another environment.
    execute_process(
      COMMAND ${Python3_EXECUTABLE} -I -c "import sys; print(getattr(sys, '_base_executable', '') or sys.executable, end='')"
      OUTPUT_VARIABLE venv_TARGET_PYTHON COMMAND_ERROR_IS_FATAL ANY)
    if(NOT venv_PYTHON_VERSION)
      set(venv_PYTHON_VERSION ${Python3_VERSION_MAJOR}.${Python3_VERSION_MINOR})
    endif()
  endif()
  if(NOT venv_PYTHON_VERSION)
    message(FATAL_ERROR "axle_add_venv() with TARGET_PYTHON needs PYTHON_VERSION")
  endif()
  get_filename_component(output ${venv_OUTPUT} ABSOLUTE BASE_DIR ${CMAKE_CURRENT_BINARY_DIR})
  set(steps ${CMAKE_CURRENT_BINARY_DIR}/${target}.axle)

  set(sources)
  set(stamps)
  foreach(wheel IN LISTS venv_WHEELS)
    get_filename_component(wheel ${wheel} ABSOLUTE)
    get_filename_component(name ${wheel} NAME)
    set(tree ${steps}/${name})
    _axle_add_step(${tree}.stamp "Unpacking ${name}" DEPENDS ${wheel} BYPRODUCTS ${tree}.facts
                   ARGUMENTS unpack --wheel ${wheel} --into ${tree}.tree --facts-out ${tree}.facts
                             --python-version ${venv_PYTHON_VERSION})
    list(APPEND stamps ${tree}.stamp ${tree}.facts)
    list(APPEND sources --tree ${tree}.tree --facts ${tree}.facts)
  endforeach()

  set(options)
  if(venv_PROMPT)
    list(APPEND options --prompt ${venv_PROMPT})
  endif()
  if(venv_ON_CONFLICT)
    list(APPEND options --on-conflict ${venv_ON_CONFLICT})
  endif()
  _axle_add_step(${steps}/venv.stamp "Making the environment ${venv_OUTPUT}" DEPENDS ${stamps}
                 ARGUMENTS venv ${sources} --into ${output} --python-version ${venv_PYTHON_VERSION}
                           --target-python ${venv_TARGET_PYTHON} ${options})
  set(all)
  if(venv_ALL)
    set(all ALL)
  endif()
  add_custom_target(${target} ${all} DEPENDS ${steps}/venv.stamp)
  set_target_properties(${target} PROPERTIES AXLE_VENV ${output})
endfunction()
