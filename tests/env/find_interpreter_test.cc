// Finding interpreters, compared with what they say of themselves when they are run.

#include <gtest/gtest.h>

#include <functional>

#include "axle/base/error.h"
#include "axle/env/interpreter.h"
#include "env/interpreter_files.h"
#include "env/probe.h"
#include "env/temp_tree.h"

namespace axle {
namespace {

using axle_test::host_python;
using axle_test::run;
using axle_test::TempTree;

InterpreterRequest request_for(const TempTree& tree, std::string spec) {
  InterpreterRequest request;
  request.spec = std::move(spec);
  request.working_dir = tree.path();
  request.cache_dir = tree.at("cache");
  return request;
}

ErrorCode code_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.code();
  }
  ADD_FAILURE() << "nothing was thrown";
  return ErrorCode::interrupted;
}

// A tree that looks like an installation of CPython, with this machine's shell as its program.
std::string make_python(const TempTree& tree, const std::string& prefix, const std::string& version,
                        const std::string& flags) {
  const std::string minor = version.substr(0, version.rfind('.'));
  const std::string thread = flags.find('t') != std::string::npos ? "t" : "";
  const std::string lib = prefix + "/lib/python" + minor + thread;
  tree.write(lib + "/os.py", "");
  tree.write(lib + "/_sysconfigdata_" + flags + "_linux_x86_64-linux-gnu.py",
             "build_time_vars = {'ABIFLAGS': '" + flags + "', 'VERSION': '" + minor +
                 "', 'Py_GIL_DISABLED': " + (thread.empty() ? "0" : "1") +
                 ", 'EXT_SUFFIX': '.cpython-x.so', 'PLATLIBDIR': 'lib'}");
  tree.write(prefix + "/include/python" + minor + flags + "/patchlevel.h",
             "#define PY_VERSION \"" + version + "\"\n");
  tree.write(prefix + "/bin/python" + minor + flags, axle_test::read_all("/bin/sh"), 0755);
  tree.link("python" + minor + flags, prefix + "/bin/python3");
  return tree.at(prefix + "/bin/python" + minor + flags);
}

TEST(FindInterpreter, FilesTellWhatRunningTells) {
  std::vector<std::string> programs{host_python()};
  for (const char* other : {"/usr/bin/python3", "/usr/local/bin/python3"}) {
    if (std::filesystem::exists(other)) programs.push_back(std::filesystem::canonical(other));
  }
  for (const std::string& program : programs) {
    const std::optional<DescribedInterpreter> files = read_interpreter_files(program);
    ASSERT_TRUE(files) << program;
    DescribedInterpreter probed = probe_interpreter(program, std::chrono::seconds(60));
    EXPECT_EQ(files->libc_file, probed.libc_file);
    probed.interpreter.found = files->interpreter.found;
    probed.interpreter.executable = files->interpreter.executable;
    EXPECT_EQ(files->interpreter.version, probed.interpreter.version);
    EXPECT_EQ(files->interpreter.platform, probed.interpreter.platform);
    EXPECT_EQ(files->interpreter.ext_suffix, probed.interpreter.ext_suffix);
    EXPECT_EQ(files->interpreter.system, probed.interpreter.system) << program;
    EXPECT_EQ(files->interpreter, probed.interpreter) << program;
  }
}

TEST(FindInterpreter, TheCacheAnswersUntilTheProgramChanges) {
  const TempTree tree;
  const std::string program = make_python(tree, "py", "3.12.1", "");
  const InterpreterRequest request = request_for(tree, program);
  const Interpreter first = find_interpreter(request);
  EXPECT_EQ(first.version, "3.12.1");
  tree.write("py/include/python3.12/patchlevel.h", "#define PY_VERSION \"3.12.9\"\n");
  Interpreter second = find_interpreter(request);
  EXPECT_EQ(second.found, first.found + ", cache");
  second.found = first.found;
  EXPECT_EQ(second, first);
  tree.write("py/bin/python3.12", axle_test::read_all("/bin/sh") + "x", 0755);
  EXPECT_EQ(find_interpreter(request).version, "3.12.9");
  // A damaged cache is none.
  for (const auto& entry : std::filesystem::directory_iterator(tree.at("cache/interpreters"))) {
    std::ofstream(entry.path()) << "axle interpreter 1\nrubbish";
  }
  EXPECT_EQ(find_interpreter(request).version, "3.12.9");
}

TEST(FindInterpreter, FreeThreadedAndDebugBuilds) {
  const TempTree tree;
  const Interpreter threaded = find_interpreter(request_for(tree, make_python(tree, "ft", "3.13.2", "t")));
  EXPECT_TRUE(threaded.free_threaded);
  EXPECT_EQ(threaded.abi, "cp313t");
  EXPECT_EQ(threaded.stdlib, std::filesystem::canonical(tree.at("ft/lib/python3.13t")));
  const Interpreter debug = find_interpreter(request_for(tree, make_python(tree, "dbg", "3.12.2", "d")));
  EXPECT_EQ(debug.abi_flags, "d");
  EXPECT_TRUE(debug.system.headers.ends_with("/include/python3.12d"));
}

TEST(FindInterpreter, BuildDetailsGoBeforeOtherFiles) {
  const TempTree tree;
  const std::string program = make_python(tree, "py", "3.14.0", "");
  tree.write("py/lib/python3.14/build-details.json",
             R"({"schema_version": "1.0", "base_prefix": "/install", "language": {"version_info":
                 {"major": 3, "minor": 14, "micro": 1, "releaselevel": "final", "serial": 0}},
                 "implementation": {"name": "cpython", "cache_tag": "cpython-314"}})");
  const Interpreter found = find_interpreter(request_for(tree, program));
  EXPECT_EQ(found.version, "3.14.1");
  EXPECT_EQ(found.base_prefix, std::filesystem::canonical(tree.at("py"))) << "baked paths are not believed";
}

TEST(FindInterpreter, EnvironmentsLeadToTheirBase) {
  const TempTree tree;
  const std::string base = std::filesystem::canonical(make_python(tree, "py", "3.12.1", ""));
  tree.write("one/pyvenv.cfg",
             "home = " + tree.at("py/bin") + "\ninclude-system-site-packages = true\nversion = 3.12.1\n");
  tree.link(base, "one/bin/python");
  // An environment made from that one by copying its interpreter.
  tree.write("two/pyvenv.cfg", "home = " + tree.at("one/bin") + "\nversion = 3.12.1\n");
  tree.write("two/bin/python", axle_test::read_all("/bin/sh"), 0755);
  for (const char* spec : {"one", "./one/bin/python", "two", "two/bin/python"}) {
    const Interpreter found = find_interpreter(request_for(tree, spec));
    EXPECT_EQ(found.base_executable, base) << spec;
    EXPECT_EQ(found.venv, tree.at(std::string(spec).find("two") == std::string::npos ? "one" : "two"));
    EXPECT_TRUE(found.system_site_packages);
  }
  InterpreterRequest by_venv = request_for(tree, "");
  by_venv.venv = "two";
  EXPECT_EQ(find_interpreter(by_venv).executable, tree.at("two/bin/python"));
  // Environments that lead to each other end.
  tree.write("two/pyvenv.cfg", "home = " + tree.at("two/bin") + "\n");
  EXPECT_EQ(code_of([&] { find_interpreter(request_for(tree, "two")); }), ErrorCode::bad_input);
  tree.write("two/pyvenv.cfg", "home = /nowhere\n");
  EXPECT_EQ(code_of([&] { find_interpreter(request_for(tree, "two")); }), ErrorCode::no_match);
}

TEST(FindInterpreter, AnInterpreterThatIsGone) {
  const TempTree tree;
  tree.write("env/pyvenv.cfg", "home = /nowhere\n");
  tree.link("/nowhere/python3", "env/bin/python");
  InterpreterRequest request = request_for(tree, "");
  request.venv = "env";
  EXPECT_EQ(code_of([&] { find_interpreter(request); }), ErrorCode::no_match);
  EXPECT_EQ(code_of([&] { find_interpreter(request_for(tree, "./absent")); }), ErrorCode::no_match);
  EXPECT_EQ(code_of([&] { find_interpreter(request_for(tree, "3.99")); }), ErrorCode::no_match);
  EXPECT_EQ(code_of([&] { find_interpreter(request_for(tree, "")); }), ErrorCode::no_match);
}

TEST(FindInterpreter, VersionsAndNamesOnPath) {
  const TempTree tree;
  make_python(tree, "a", "3.11.5", "");
  make_python(tree, "b", "3.12.1", "");
  const auto version_of = [&](const char* spec) {
    InterpreterRequest request = request_for(tree, spec);
    request.search_path = tree.at("absent") + ":" + tree.at("a/bin") + ":b/bin";
    return find_interpreter(request).version;
  };
  EXPECT_EQ(version_of(""), "3.11.5");
  EXPECT_EQ(version_of("3.12"), "3.12.1");
  EXPECT_EQ(version_of("3"), "3.11.5");
  EXPECT_EQ(version_of("3.11.5"), "3.11.5");
  EXPECT_EQ(version_of("python3.12"), "3.12.1");
  EXPECT_EQ(code_of([&] { version_of("3.12.2"); }), ErrorCode::no_match);
  EXPECT_EQ(code_of([&] { version_of("3.12t"); }), ErrorCode::no_match);
}

TEST(FindInterpreter, PyenvShimsAreNotRun) {
  const TempTree tree;
  make_python(tree, "pyenv/versions/3.11.5", "3.11.5", "");
  make_python(tree, "pyenv/versions/3.12.1", "3.12.1", "");
  make_python(tree, "pyenv/versions/3.12.10", "3.12.10", "");
  for (const char* name : {"python3", "python3.12"}) {
    tree.write(std::string("pyenv/shims/") + name, "#!/usr/bin/env bash\nexec pyenv exec\nexit 9\n", 0755);
  }
  tree.write("pyenv/version", "3.11.5\n");
  tree.write("project/.python-version", "# comment\n3.12\n");
  tree.write("project/deep/x", "");
  InterpreterRequest request = request_for(tree, "");
  request.search_path = tree.at("pyenv/shims");
  EXPECT_EQ(find_interpreter(request).version, "3.11.5");
  request.working_dir = tree.at("project/deep");
  EXPECT_EQ(find_interpreter(request).version, "3.12.10") << "the newest that begins so";
  request.pyenv_version = "3.12.1";
  EXPECT_EQ(find_interpreter(request).version, "3.12.1");
  request.spec = "3.11";
  EXPECT_EQ(find_interpreter(request).version, "3.11.5");
  request.spec = tree.at("pyenv/shims/python3");
  EXPECT_EQ(find_interpreter(request).version, "3.12.1");
  request.spec = "";
  request.pyenv_version = "3.9.1";
  EXPECT_EQ(code_of([&] { find_interpreter(request); }), ErrorCode::no_match);
  request.pyenv_version = "../../etc";
  EXPECT_EQ(code_of([&] { find_interpreter(request); }), ErrorCode::no_match);
  request.pyenv_version = "system";
  make_python(tree, "usr", "3.10.2", "");
  request.search_path += ":" + tree.at("usr/bin");
  EXPECT_EQ(find_interpreter(request).version, "3.10.2");
}

TEST(FindInterpreter, WrapperScriptsAreAskedOnce) {
  const TempTree tree;
  const std::string log = tree.at("log");
  const std::string wrapper = tree.write(
      "wrap/python3", "#!/bin/sh\necho run >> " + log + "\nexec " + host_python() + " \"$@\"\n", 0755);
  const Interpreter found = find_interpreter(request_for(tree, wrapper));
  EXPECT_EQ(found.base_executable, host_python());
  EXPECT_EQ(find_interpreter(request_for(tree, wrapper)).version, found.version);
  EXPECT_EQ(axle_test::read_all(log), "run\n");
}

TEST(FindInterpreter, ProgramsThatAreNoPython) {
  const TempTree tree;
  const std::string silent = tree.write("silent", "#!/bin/sh\nexit 0\n", 0755);
  const std::string failing = tree.write("failing", "#!/bin/sh\nexit 3\n", 0755);
  const std::string endless = tree.write("endless", "#!/bin/sh\nexec sleep 1000\n", 0755);
  const std::string loud = tree.write("loud", "#!/bin/sh\nexec cat /dev/zero\n", 0755);
  const std::string data = tree.write("data", "text");
  EXPECT_EQ(code_of([&] { find_interpreter(request_for(tree, silent)); }), ErrorCode::bad_input);
  EXPECT_EQ(code_of([&] { find_interpreter(request_for(tree, failing)); }), ErrorCode::io);
  EXPECT_EQ(code_of([&] { find_interpreter(request_for(tree, loud)); }), ErrorCode::io);
  EXPECT_EQ(code_of([&] { find_interpreter(request_for(tree, data)); }), ErrorCode::no_match);
  InterpreterRequest slow = request_for(tree, endless);
  slow.probe_timeout = std::chrono::milliseconds(50);
  EXPECT_EQ(code_of([&] { find_interpreter(slow); }), ErrorCode::io);
}

TEST(FindInterpreter, FactsFiles) {
  const TempTree tree;
  tree.write("facts.json", R"({"version": "3.12.4", "platform": "musllinux_1_2_aarch64"})");
  tree.write("facts", R"({"version": "3.12.4", "platform": "win_amd64"})");
  EXPECT_EQ(find_interpreter(request_for(tree, "facts.json")).arch, "aarch64");
  EXPECT_EQ(find_interpreter(request_for(tree, "./facts")).os, Os::windows);
}

TEST(ExternallyManaged, MessageOfTheDistribution) {
  const TempTree tree;
  Interpreter python = find_interpreter(request_for(tree, make_python(tree, "py", "3.12.1", "")));
  EXPECT_EQ(read_externally_managed(python), std::nullopt);
  tree.write("py/lib/python3.12/EXTERNALLY-MANAGED",
             "[externally-managed]\nError=Use apt.\n\n Or a venv.\nError-de=Nimm apt.\n");
  EXPECT_EQ(read_externally_managed(python), "Use apt.\n\nOr a venv.");
  tree.write("py/lib/python3.12/EXTERNALLY-MANAGED", "\xFF\xFE garbage");
  EXPECT_TRUE(read_externally_managed(python).value().find("managed by") != std::string::npos);
  python.venv = "/env";
  EXPECT_EQ(read_externally_managed(python), std::nullopt);
}

}  // namespace
}  // namespace axle
