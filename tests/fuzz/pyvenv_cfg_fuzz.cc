// pyvenv.cfg, and the variables of a CPython build, are text of a directory that anyone may have written.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "axle/base/error.h"
#include "axle/env/interpreter.h"
#include "env/host_libc.h"
#include "env/sysconfig_data.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    (void)axle::parse_pyvenv_config(text, "pyvenv.cfg");
  } catch (const axle::Error&) {
  }
  try {
    (void)axle::parse_interpreter_facts(text, "facts.json");
  } catch (const axle::Error&) {
  }
  (void)axle::parse_sysconfig_data(text);
  (void)axle::parse_sysconfig_json(text);
  (void)axle::parse_build_details(text);
  (void)axle::parse_patchlevel(text);
  (void)axle::find_version_in_binary(text, "3.11");
  (void)axle::parse_program_header(text);
  (void)axle::glibc_version_in(text);
  (void)axle::musl_version_in(text);
  return 0;
}
