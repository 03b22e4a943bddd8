// What follows from facts: foreign targets, tags, markers, facts files, pyvenv.cfg.

#include "axle/env/interpreter.h"

#include <gtest/gtest.h>

#include "axle/base/error.h"
#include "axle/pep/marker.h"
#include "axle/pep/tag.h"

namespace axle {
namespace {

ErrorCode code_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_FALSE(error.message().empty());
    return error.code();
  }
  ADD_FAILURE() << "nothing was thrown";
  return ErrorCode::interrupted;
}

TEST(ForeignInterpreter, LinuxHasTheDefaultsOfAContainerImage) {
  const Interpreter made = foreign_interpreter({"3.12", "manylinux_2_28_aarch64", ""});
  EXPECT_TRUE(made.foreign);
  EXPECT_EQ(made.version, "3.12.0");
  EXPECT_EQ(made.base_executable, "/usr/local/bin/python3.12");
  EXPECT_EQ(made.base_prefix, "/usr/local");
  EXPECT_EQ(made.stdlib, "/usr/local/lib/python3.12");
  EXPECT_EQ(made.libc, Libc::glibc);
  EXPECT_EQ(made.arch, "aarch64");
  EXPECT_EQ(made.ext_suffix, ".cpython-312-aarch64-linux-gnu.so");
  EXPECT_EQ(made.system.purelib, "/usr/local/lib/python3.12/site-packages");
  EXPECT_EQ(lib_name(made), "python3.12");
}

TEST(ForeignInterpreter, OtherSystems) {
  const Interpreter windows = foreign_interpreter({"3.13.1", "win_amd64", ""});
  EXPECT_EQ(windows.os, Os::windows);
  EXPECT_EQ(windows.base_executable, "C:\\Python313\\python.exe");
  EXPECT_EQ(windows.base_prefix, "C:\\Python313");
  EXPECT_EQ(windows.ext_suffix, ".cp313-win_amd64.pyd");
  const Interpreter mac = foreign_interpreter({"3.11.4", "macosx_14_0_arm64", "/opt/py/bin/python3"});
  EXPECT_EQ(mac.os, Os::macos);
  EXPECT_EQ(mac.base_prefix, "/opt/py");
  EXPECT_EQ(mac.ext_suffix, ".cpython-311-darwin.so");
  const Interpreter musl = foreign_interpreter({"3.12", "musllinux_1_2_x86_64", ""});
  EXPECT_EQ(musl.libc, Libc::musl);
  EXPECT_EQ(musl.ext_suffix, ".cpython-312-x86_64-linux-musl.so");
  EXPECT_EQ(foreign_interpreter({"3.9", "manylinux2014_ppc64le", ""}).arch, "ppc64le");
  EXPECT_EQ(foreign_interpreter({"3.9", "win32", ""}).arch, "x86");
}

TEST(ForeignInterpreter, FreeThreaded) {
  const Interpreter made = foreign_interpreter({"3.13t", "manylinux_2_28_x86_64", ""});
  EXPECT_TRUE(made.free_threaded);
  EXPECT_EQ(made.abi, "cp313t");
  EXPECT_EQ(lib_name(made), "python3.13t");
  EXPECT_EQ(made.base_executable, "/usr/local/bin/python3.13t");
  const TagTarget target = tag_target(made);
  EXPECT_TRUE(target.free_threaded);
  EXPECT_EQ(compatible_tags(target).front().str(), "cp313-cp313t-linux_x86_64");
}

TEST(ForeignInterpreter, RefusesWhatIsNoVersionOrPlatform) {
  for (const char* version :
       {"", "3", "2.7", "3.x", "3.12.1.1", "3.12-dev", "03.1", "3.99999", "3.12rc1", "3.12\n"}) {
    EXPECT_EQ(code_of([&] { foreign_interpreter({version, "win_amd64", ""}); }), ErrorCode::usage) << version;
  }
  for (const char* platform : {"", "linux", "manylinux", "manylinux_2_x86_64", "manylinux_a_b_x86_64",
                               "windows", "macosx_14_arm64", "win_amd64/../x", "any", "manylinux_2_28_"}) {
    EXPECT_EQ(code_of([&] { foreign_interpreter({"3.12", platform, ""}); }), ErrorCode::usage) << platform;
  }
  EXPECT_EQ(code_of([] {
              foreign_interpreter({"3.12", "win_amd64", "/usr/bin/python3"});
            }),
            ErrorCode::usage);
  EXPECT_EQ(code_of([] { foreign_interpreter({"3.12", "linux_x86_64", "python3"}); }), ErrorCode::usage);
}

TEST(Interpreter, MarkersOfEachSystem) {
  const auto markers = [](const char* version, const char* platform) {
    return marker_environment(foreign_interpreter({version, platform, ""}));
  };
  const MarkerEnvironment linux_ = markers("3.12.4", "musllinux_1_2_x86_64");
  EXPECT_TRUE(Marker::parse("sys_platform == 'linux' and platform_machine == 'x86_64' and os_name == 'posix'")
                  .evaluate(linux_));
  EXPECT_TRUE(Marker::parse("python_full_version == '3.12.4' and python_version == '3.12'").evaluate(linux_));
  EXPECT_TRUE(
      Marker::parse("implementation_name == 'cpython' and platform_python_implementation == 'CPython'")
          .evaluate(linux_));
  EXPECT_TRUE(Marker::parse("sys_platform == 'win32' and platform_machine == 'AMD64' and os_name == 'nt'")
                  .evaluate(markers("3.12", "win_amd64")));
  EXPECT_TRUE(Marker::parse(
                  "sys_platform == 'darwin' and platform_machine == 'arm64' and platform_system == 'Darwin'")
                  .evaluate(markers("3.12", "macosx_14_0_arm64")));
}

TEST(InterpreterFacts, TwoKeysSuffice) {
  const Interpreter facts =
      parse_interpreter_facts(R"({"version": "3.12.4", "platform": "manylinux_2_36_x86_64"})", "facts.json");
  Interpreter expected = foreign_interpreter({"3.12.4", "manylinux_2_36_x86_64", ""});
  expected.foreign = false;
  expected.found = "facts file";
  EXPECT_EQ(facts, expected);
}

TEST(InterpreterFacts, GivenKeysWinAndTheRestFollows) {
  const Interpreter facts = parse_interpreter_facts(
      R"({"version": "3.14.0", "platform": "manylinux_2_39_x86_64", "executable": "/usr/bin/python3",
          "base_executable": "/usr/bin/python3.14", "base_prefix": "/usr", "platlibdir": "lib64",
          "system": {"scripts": "/usr/local/bin"}, "new key": [1, 2]})",
      "facts.json");
  EXPECT_EQ(facts.stdlib, "/usr/lib64/python3.14");
  EXPECT_EQ(facts.system.purelib, "/usr/lib/python3.14/site-packages");
  EXPECT_EQ(facts.system.platlib, "/usr/lib64/python3.14/site-packages");
  EXPECT_EQ(facts.system.scripts, "/usr/local/bin");
}

TEST(InterpreterFacts, RefusesMalformed) {
  for (const char* text :
       {"", "[]", "{", "null", "{}", R"({"version": "3.12"})", R"({"version": 3.12, "platform": "win32"})",
        R"({"version": "3.12", "platform": "nowhere"})",
        R"({"version": "3.12", "platform": "win32", "debug": "no"})",
        R"({"version": "3.12", "platform": "linux_x86_64", "base_prefix": "a\nb"})",
        R"({"version": "3.12", "platform": "linux_x86_64", "system": []})"}) {
    EXPECT_EQ(code_of([&] { parse_interpreter_facts(text, "f.json"); }), ErrorCode::bad_input) << text;
  }
  EXPECT_EQ(code_of([] { parse_interpreter_facts(R"({"schema": 2})", "f"); }), ErrorCode::unsupported);
  const std::string deep(100000, '[');
  EXPECT_EQ(code_of([&] { parse_interpreter_facts(deep, "f"); }), ErrorCode::bad_input);
}

TEST(PyvenvConfig, ReadsAsCPythonDoes) {
  const PyvenvConfig config = parse_pyvenv_config(
      "HOME = /usr/bin\r\nnonsense\nversion=3.11.7\nInclude-System-Site-Packages = FALSE\nhome = /other\n",
      "pyvenv.cfg");
  EXPECT_EQ(config.home, "/usr/bin");
  EXPECT_EQ(config.version, "3.11.7");
  EXPECT_FALSE(config.system_site_packages);
  EXPECT_TRUE(parse_pyvenv_config("home = /x\n", "c").system_site_packages) << "a missing key means true";
  EXPECT_EQ(parse_pyvenv_config("\xEF\xBB\xBFhome = /x = y", "c").home, "/x = y");
  EXPECT_EQ(code_of([] { parse_pyvenv_config("home = \xFF", "c"); }), ErrorCode::bad_input);
  EXPECT_EQ(code_of([] { parse_pyvenv_config(std::string_view("a\0b", 3), "c"); }), ErrorCode::bad_input);
}

}  // namespace
}  // namespace axle
