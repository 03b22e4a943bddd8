// Reading what CPython's build leaves behind, without running it.

#include "env/sysconfig_data.h"

#include <gtest/gtest.h>

#include "env/host_libc.h"
#include "env/scheme.h"

namespace axle {
namespace {

TEST(SysconfigData, ReadsTheDictionaryThatPprintWrites) {
  const auto vars = parse_sysconfig_data(
      "# system configuration generated and used by the sysconfig module\n"
      "build_time_vars = {'ABIFLAGS': '',\n"
      " 'CFLAGS': '-O2 '\n           '-g -DX=\"a\\'b\"',\n"
      " 'EXT_SUFFIX': '.cpython-313t-x86_64-linux-gnu.so',\n"
      " 'Py_DEBUG': 0, 'Py_GIL_DISABLED': 1, 'N': -1, 'NONE': None,\n"
      " \"PLATLIBDIR\": ('li'\n   'b64'),\n 'VERSION': '3.13'}\n");
  ASSERT_TRUE(vars);
  EXPECT_EQ(vars->version, "3.13");
  EXPECT_EQ(vars->ext_suffix, ".cpython-313t-x86_64-linux-gnu.so");
  EXPECT_EQ(vars->platlibdir, "lib64");
  EXPECT_TRUE(vars->free_threaded);
  EXPECT_FALSE(vars->debug);
}

TEST(SysconfigData, CodeIsNotRunAndNotTrusted) {
  for (const char* text :
       {"", "import os\nbuild_time_vars = {}", "build_time_vars = {}", "build_time_vars = {'VERSION': f()}",
        "build_time_vars = {'VERSION': '3.13'", "build_time_vars = {'VERSION': '3.13",
        "build_time_vars = {**x}", "build_time_vars = {'VERSION': ('3.13'"}) {
    EXPECT_FALSE(parse_sysconfig_data(text)) << text;
  }
}

TEST(SysconfigData, JsonFormsOf314) {
  const auto vars = parse_sysconfig_json(
      R"({"VERSION": "3.14", "ABIFLAGS": "t", "Py_GIL_DISABLED": 1, "PLATLIBDIR": "lib"})");
  ASSERT_TRUE(vars);
  EXPECT_TRUE(vars->free_threaded);
  EXPECT_FALSE(parse_sysconfig_json("[]"));
  const auto details = parse_build_details(R"({"schema_version": "1.0", "base_prefix": "/install",
      "language": {"version": "3.14", "version_info": {"major": 3, "minor": 14, "micro": 0, "releaselevel": "candidate", "serial": 2}},
      "implementation": {"name": "cpython", "cache_tag": "cpython-314", "version": {"major": 3, "minor": 14, "micro": 0, "releaselevel": "candidate", "serial": 2}},
      "abi": {"flags": ["t"], "extension_suffix": ".cpython-314t-x86_64-linux-gnu.so"}})");
  ASSERT_TRUE(details);
  EXPECT_EQ(details->version, "3.14.0rc2");
  EXPECT_TRUE(details->free_threaded);
  EXPECT_FALSE(parse_build_details(R"({"schema_version": "2.0", "implementation": {"name": "cpython"}})"));
  EXPECT_FALSE(parse_build_details(R"({"schema_version": "1.0", "implementation": {"name": 7}})"));
}

TEST(SysconfigData, VersionsOfHeadersAndPrograms) {
  EXPECT_EQ(parse_patchlevel("#define PY_VERSION_HEX 1\n#define PY_VERSION      \t\"3.12.0b4+\"\n"),
            "3.12.0b4");
  EXPECT_EQ(parse_patchlevel("#define PY_MAJOR_VERSION 3\n"), "");
  EXPECT_EQ(parse_patchlevel("#define PY_VERSION \"3.12"), "");
  using namespace std::string_literals;
  EXPECT_EQ(find_version_in_binary("x\0003.11.2\0y\0003.11.2+\0"s, "3.11"), "3.11.2");
  EXPECT_EQ(find_version_in_binary("x\0003.11.2\0y\0003.11.3\0"s, "3.11"), "") << "two answers are none";
  EXPECT_EQ(find_version_in_binary("x\0003.11.\0\0003.11.2 (main)\0\0003.11.2"s, "3.11"), "");
  EXPECT_EQ(find_version_in_binary("\0003.13.0rc2\0"s, "3.13"), "3.13.0rc2");
}

TEST(HostLibc, VersionsFromBytes) {
  using namespace std::string_literals;
  EXPECT_EQ(glibc_version_in("..GNU C Library (Debian GLIBC 2.36-9+deb12u10) stable release version 2.36.\n"),
            "2.36");
  EXPECT_EQ(glibc_version_in("\0GLIBC_2.2.5\0GLIBC_2.17\0GLIBC_2.4\0"s), "2.17");
  EXPECT_EQ(glibc_version_in(""), "");
  EXPECT_EQ(musl_version_in("a\0001.2.3\0b"s), "1.2.3");
  EXPECT_EQ(musl_version_in("a\0001.2.3\0b\0001.1.24\0"s), "");
}

TEST(HostLibc, HostileElfHeaders) {
  std::string elf(64, '\0');
  elf.replace(0, 6,
              "\x7F"
              "ELF\x02\x01");
  elf[16] = 3;
  elf[18] = 62;
  EXPECT_EQ(parse_program_header(elf)->arch, "x86_64");
  EXPECT_EQ(parse_program_header(elf)->loader, "");
  // A table far outside, entries without size, and an endless count.
  for (std::size_t i = 32; i < 64; ++i) elf[i] = '\xFF';
  EXPECT_EQ(parse_program_header(elf)->loader, "");
  elf.replace(32, 8, std::string("\x40\0\0\0\0\0\0\0", 8));
  elf[54] = 56;
  elf[55] = 0;
  std::string entry(56, '\xFF');
  entry.replace(0, 4, std::string("\x03\0\0\0", 4));
  EXPECT_EQ(parse_program_header(elf + entry)->loader, "");
  EXPECT_FALSE(parse_program_header("#!/bin/sh\n"));
  EXPECT_FALSE(parse_program_header(""));
}

TEST(Scheme, DistributionsBendTheirOwnPython) {
  Interpreter debian;
  debian.version = "3.11.2";
  debian.implementation = "cpython";
  debian.base_prefix = "/usr";
  debian.platlibdir = "lib";
  Interpreter fedora = debian;
  fedora.platlibdir = "lib64";
  fill_scheme(debian);
  apply_distro_scheme(debian, distro_scheme_of("    'posix_local': {"));
  EXPECT_EQ(debian.system.purelib, "/usr/local/lib/python3.11/dist-packages");
  EXPECT_EQ(debian.system.scripts, "/usr/local/bin");
  fill_scheme(fedora);
  apply_distro_scheme(fedora, distro_scheme_of("if 'RPM_BUILD_ROOT' not in os.environ"));
  EXPECT_EQ(fedora.system.platlib, "/usr/local/lib64/python3.11/site-packages");
  EXPECT_EQ(fedora.stdlib, "/usr/lib64/python3.11");
}

}  // namespace
}  // namespace axle
