// The native launcher's configuration, and the program itself, run where a launcher may lie.

#include "plan/native_launcher.h"

#include <gtest/gtest.h>

#include "axle/base/error.h"
#include "env/temp_tree.h"
#include "plan/launcher_stubs.h"
#include "plan/launcher_zip.h"

namespace axle {
namespace {

using axle_test::host_python;
using axle_test::run;
using axle_test::sh_quote;
using axle_test::TempTree;
using Kind = EnvironmentChange::Kind;

#if defined(__aarch64__)
constexpr const char* this_arch = "aarch64";
#else
constexpr const char* this_arch = "x86_64";
#endif

LauncherConfig everything() {
  LauncherConfig config;
  config.interpreters = {"python", "../lib/python/bin/python3", "/usr/bin/python3"};
  config.argv0 = "python";
  config.arguments = {{ArgumentKind::text, "-I"},
                      {ArgumentKind::text, "-c"},
                      {ArgumentKind::text, "import sys\nprint(1)\n"},
                      {ArgumentKind::self, ""},
                      {ArgumentKind::path, "../share/x"}};
  config.environment = {
      {Kind::set, "A", "$ORIGIN/lib=axlelnch"}, {Kind::set_default, "B", ""}, {Kind::unset, "C", ""}};
  return config;
}

TEST(LauncherConfig, IsHeaderAndRecords) {
  LauncherConfig config;
  config.interpreters = {"python"};
  config.arguments = {{ArgumentKind::text, "-I"}, {ArgumentKind::self, ""}};
  config.environment = {{Kind::set, "A", "b"}};
  const std::string records("interpreter=python\0set=A=b\0arg=-I\0self=\0", 40);
  EXPECT_EQ(render_launcher_config(config), "axlelnch" + std::string("\1\0\0\0\x38\0\0\0", 8) + records);
}

TEST(LauncherConfig, RefusesWhatNoRecordCanHold) {
  const auto refused = [](const LauncherConfig& config) {
    EXPECT_THROW(render_launcher_config(config), Error);
  };
  refused({});
  refused({{""}, "", {}, {}});
  refused({{"py\0thon" + std::string(1, '\0')}, "", {}, {}});
  refused({{"python"}, "", {{ArgumentKind::text, std::string("a\0b", 3)}}, {}});
  refused({{"python"}, "", {}, {{Kind::set, "A=B", "c"}}});
  refused({{"python"}, "", {}, {{Kind::unset, "", ""}}});
  refused({{"python"}, "", {{ArgumentKind::text, std::string(70000, 'x')}}, {}});
}

class NativeLauncher : public testing::Test {
 protected:
  void SetUp() override {
    if (!has_native_launcher(Os::linux, this_arch)) GTEST_SKIP() << "no launcher for " << this_arch;
  }
};

TEST_F(NativeLauncher, ComesBackAsItWasGiven) {
  for (const std::string_view main_py : {"", "print(1)\n"}) {
    for (const char* arch : {"x86_64", "aarch64"}) {
      if (!has_native_launcher(Os::linux, arch)) continue;
      const std::string bytes = render_native_launcher(arch, everything(), main_py);
      EXPECT_EQ(bytes, render_native_launcher(arch, everything(), main_py));
      EXPECT_EQ(parse_native_launcher(bytes), everything());
      const std::size_t size = native_launcher_size(bytes);
      EXPECT_EQ(bytes.substr(size), main_py.empty() ? "" : render_main_zip(main_py));
      EXPECT_LT(size, 12000U);
    }
  }
}

TEST_F(NativeLauncher, DamageIsNoLauncher) {
  const std::string whole = render_native_launcher(this_arch, everything());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(parse_native_launcher(std::string_view(whole).substr(0, size)), std::nullopt) << size;
  }
  std::size_t understood = 0;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::string bytes = whole;
    bytes[i] = static_cast<char>(bytes[i] ^ 0x40);
    understood += parse_native_launcher(bytes).has_value() ? 1 : 0;  // must not crash
  }
  EXPECT_LT(understood, whole.size());
  EXPECT_EQ(parse_native_launcher(launcher_stub(Stub::linux_x86_64)), std::nullopt);
  EXPECT_EQ(parse_native_launcher("#!/bin/sh\n"), std::nullopt);
}

TEST(NativeLauncherTarget, OthersAreUnsupported) {
  for (const auto& [os, arch] :
       {std::pair{Os::macos, "arm64"}, {Os::linux, "ppc64le"}, {Os::linux, "i686"}}) {
    EXPECT_FALSE(has_native_launcher(os, arch));
    try {
      require_native_launcher(os, arch);
      FAIL() << arch;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::unsupported);
      EXPECT_FALSE(error.hint().empty());
    }
  }
}

constexpr const char* show =
    "import os, sys\ndel sys.argv[0]\nprint('|'.join(sys.argv), sys.executable, sys.flags.isolated, "
    "os.environ.get('A'))\n";

std::string launcher(std::vector<std::string> interpreters, std::vector<EnvironmentChange> environment = {}) {
  LauncherConfig config;
  config.interpreters = std::move(interpreters);
  config.arguments = {{ArgumentKind::text, "-S"},
                      {ArgumentKind::text, "-c"},
                      {ArgumentKind::text, show},
                      {ArgumentKind::self, ""}};
  config.environment = std::move(environment);
  return render_native_launcher(this_arch, config);
}

TEST_F(NativeLauncher, FindsTheInterpreterFromEveryDirectory) {
  for (const std::string name : {"plain", "two words", "it's", "$(x)`y`\"z\"", "caf\xC3\xA9",
                                 "deep/er/and/deep/er", "line\nend", "back\\slash"}) {
    const TempTree tree;
    tree.link(host_python(), name + "/bin/python");
    const std::string tool = tree.write(name + "/bin/tool", launcher({"python"}), 0755);
    const auto ran = run("cd /; " + sh_quote(tool) + " 'a b' '' \"it's\"");
    EXPECT_EQ(ran.out, tool + "|a b||it's " + tree.at(name + "/bin/python") + " 0 None");
    EXPECT_EQ(ran.status, 0);
  }
}

TEST_F(NativeLauncher, ManyArgumentsAndAnEmptyEnvironment) {
  const TempTree tree;
  tree.link(host_python(), "bin/python");
  const std::string tool = tree.write("bin/tool", launcher({"python"}), 0755);
  const auto ran = run("env -i " + sh_quote(tool) + " $(seq 1 20000) | tr -cd '|' | wc -c");
  EXPECT_EQ(ran.out, "20000");
}

TEST_F(NativeLauncher, IsCalledThroughLinksPathAndDescriptors) {
  const TempTree tree;
  tree.link(host_python(), "env/bin/python");
  const std::string tool = tree.write("env/bin/tool", launcher({"python"}), 0755);
  tree.link("env/bin", "link_to_bin");
  tree.link("../link_to_bin/tool", "elsewhere/first");
  tree.link(tree.at("elsewhere/first"), "elsewhere/second");
  const std::string python = tree.at("env/bin/python");
  const std::string cd = "cd " + tree.path() + "; ";
  EXPECT_EQ(run(cd + "elsewhere/second x").out, "elsewhere/second|x " + python + " 0 None");
  EXPECT_EQ(run(cd + "PATH=$PWD/elsewhere:$PATH; second").out,
            tree.at("elsewhere/second") + " " + python + " 0 None");
  EXPECT_EQ(run(cd + "PATH=link_to_bin:$PATH; tool").out, "link_to_bin/tool " + python + " 0 None");
  EXPECT_EQ(run(cd + "cd env/lib 2>/dev/null || cd env; ./bin/tool").out, "./bin/tool " + python + " 0 None");
  // fexecve(3): the only path that was given is that of a descriptor.
  EXPECT_EQ(run("python3 -c 'import os; f = os.open(\"" + tool + "\", 0); os.execve(f, [\"odd\"], {})'").out,
            tool + " " + python + " 0 None");
  EXPECT_EQ(run("bash -c 'exec -a anything " + tool + " y'").out, tool + "|y " + python + " 0 None");
}

// Every file of the environment is a link into a store: the interpreter is beside the link only.
TEST_F(NativeLauncher, IsALinkIntoAStoreItself) {
  const TempTree tree;
  const std::string stored = tree.write("store/ab12", launcher({"python"}), 0755);
  tree.link(host_python(), "env/bin/python");
  tree.link(stored, "cas/tool");
  tree.link(tree.at("cas/tool"), "env/bin/tool");
  tree.link(tree.at("env/bin/tool"), "home/bin/tool");
  EXPECT_EQ(run(tree.at("home/bin/tool")).out,
            tree.at("home/bin/tool") + " " + tree.at("env/bin/python") + " 0 None");
}

TEST_F(NativeLauncher, InterpretersAreTriedInOrder) {
  const TempTree tree;
  tree.link(host_python(), "python tree/bin/python3");
  const std::string tool =
      tree.write("app/sub/tool", launcher({"absent", "../../python tree/bin/python3", "/absent"}), 0755);
  EXPECT_EQ(run(tool).out, tool + " " + tree.at("python tree/bin/python3") + " 0 None");
  const std::string second = tree.write("app/second", launcher({"absent", host_python()}), 0755);
  EXPECT_EQ(run(second).out, second + " " + host_python() + " 0 None");
}

TEST_F(NativeLauncher, ChangesTheEnvironment) {
  const TempTree tree;
  tree.link(host_python(), "bin/python");
  const auto value_of_a = [&](std::vector<EnvironmentChange> changes) {
    const std::string tool = tree.write("bin/tool", launcher({"python"}, std::move(changes)), 0755);
    const std::string out = run("A=outer AB=other " + tool).out;
    return out.substr(out.rfind(' ') + 1);
  };
  EXPECT_EQ(value_of_a({}), "outer");
  EXPECT_EQ(value_of_a({{Kind::set, "A", "inner"}}), "inner");
  EXPECT_EQ(value_of_a({{Kind::set, "A", "$ORIGIN/x:$ORIGIN:$ORIGI"}}),
            tree.at("bin") + "/x:" + tree.at("bin") + ":$ORIGI");
  EXPECT_EQ(value_of_a({{Kind::set_default, "A", "inner"}}), "outer");
  EXPECT_EQ(value_of_a({{Kind::unset, "A", ""}}), "None");
  EXPECT_EQ(value_of_a({{Kind::unset, "A", ""}, {Kind::set_default, "A", "inner"}}), "inner");
  EXPECT_EQ(value_of_a({{Kind::unset, "AB", ""}}), "outer");
}

// An interpreter that is no part of the environment serves it, when it is told the environment's name of it.
TEST_F(NativeLauncher, Argv0MakesAnInterpreterTheEnvironments) {
  const TempTree tree;
  const std::string python = host_python();
  tree.write("env/pyvenv.cfg",
             "home = " + python.substr(0, python.rfind('/')) + "\ninclude-system-site-packages = false\n");
  LauncherConfig config;
  config.interpreters = {python};
  config.argv0 = "python";
  config.arguments = {{ArgumentKind::text, "-I"}};
  // As the environment's python: the arguments are the user's alone.
  const std::string tool = tree.write("env/bin/python", render_native_launcher(this_arch, config), 0755);
  EXPECT_EQ(run(tool + " -c 'import sys; print(sys.prefix, sys.executable, sys.flags.isolated)'").out,
            tree.at("env") + " " + tool + " 1");
}

TEST_F(NativeLauncher, SaysWhyItCannotStart) {
  const TempTree tree;
  const std::string tool = tree.write("bin/tool", launcher({"python"}), 0755);
  auto ran = run("env -i " + tool);
  EXPECT_EQ(ran.status, 127);
  EXPECT_EQ(ran.out, tool + ": cannot start " + tree.at("bin/python") +
                         ": it, or the loader that it names, is not there");
  tree.write("bin/python", "text", 0644);
  ran = run(tool);
  EXPECT_EQ(ran.status, 126);
  EXPECT_NE(ran.out.find("permission denied"), std::string::npos) << ran.out;
  tree.write("bin/python", "text", 0755);
  ran = run(tool);
  EXPECT_EQ(ran.status, 126);
  EXPECT_NE(ran.out.find("no program"), std::string::npos) << ran.out;
}

}  // namespace
}  // namespace axle
