// What `axle check` finds, seen from environments that axle or another tool made.

#include "exec/check.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "axle/base/error.h"
#include "axle/object/object_facts.h"
#include "exec/check_native.h"
#include "exec/environment_fixture.h"

namespace axle::test {
namespace {

std::vector<std::string> summary(const Diagnostics& problems) {
  std::vector<std::string> result;
  for (const Diagnostic& one : problems) result.push_back(one.kind + " " + one.distribution + " " + one.path);
  return result;
}

using Lines = std::vector<std::string>;

class CheckTest : public EnvironmentTest {
 protected:
  static Interpreter python() {
    return foreign_interpreter({"3.12.4", "manylinux_2_28_x86_64", "/usr/bin/python3.12"});
  }

  CheckReport check(CheckOptions options = {}, const Interpreter& interpreter = python()) const {
    const Layout layout = venv_layout(interpreter, root());
    const Fd dir = open_dir(AT_FDCWD, root());
    const Store opened = store();
    return check_environment(dir, layout, interpreter, read_installation(dir, layout, &opened), options);
  }

  static WheelWriter demo() {
    WheelWriter wheel("demo", "1.0");
    wheel.file("demo/__init__.py", "answer = 42\n").file("demo/more.py", "more = 1\n");
    wheel.file(wheel.data_dir() + "/scripts/hello", "#!python\nprint()\n", 0100755);
    return wheel;
  }

  // A distribution as another tool leaves it.
  void write_foreign(const std::string& name, const std::string& version, const std::string& metadata_lines,
                     const std::string& record) const {
    const std::string info = site() + name + "-" + version + ".dist-info/";
    write(info + "METADATA",
          "Metadata-Version: 2.1\nName: " + name + "\nVersion: " + version + "\n" + metadata_lines);
    write(info + "INSTALLER", "pip\n");
    if (record.empty()) return;
    const std::string below = name + "-" + version + ".dist-info/";
    write(info + "RECORD", record + below + "METADATA,,\n" + below + "INSTALLER,,\n" + below + "RECORD,,\n");
  }
};

TEST_F(CheckTest, FindsNothingInWhatAxleMade) {
  for (const LinkMode mode : {LinkMode::hardlink, LinkMode::symlink, LinkMode::copy}) {
    sync({demo()}, mode);
    const CheckReport report = check();
    EXPECT_EQ(summary(report.problems), Lines{}) << to_string(mode);
    EXPECT_EQ(report.distributions, 1U);
    EXPECT_EQ(report.files, 7U);
    EXPECT_EQ(report.scripts, 1U);
    std::filesystem::remove_all(root());
  }
}

TEST_F(CheckTest, FindsMissingChangedAndUnrecordedFiles) {
  sync({demo()}, LinkMode::copy);
  std::filesystem::remove(root() + "/" + site() + "demo/more.py");
  write(site() + "demo/__init__.py", "answer = 43\n");
  write(site() + "demo/__pycache__/__init__.cpython-312.pyc", "byte-code of a recorded module");
  write(site() + "demo/__pycache__/gone.cpython-312.pyc", "byte-code of no module");
  write(site() + "stray/x.txt", "whose?");
  write("bin/mine", "whose?");
  write("bin/activate.mine", "the environment's own names");
  EXPECT_EQ(summary(check().problems),
            (Lines{"file-changed demo " + site() + "demo/__init__.py",
                   "file-missing demo " + site() + "demo/more.py", "unrecorded-file  bin/mine",
                   "unrecorded-file  " + site() + "demo/__pycache__/gone.cpython-312.pyc",
                   "unrecorded-file  " + site() + "stray/x.txt"}));
}

TEST_F(CheckTest, TrustsSizeAndTimeOnlyWhenAskedTo) {
  sync({demo()}, LinkMode::copy);
  const std::string path = root() + "/" + site() + "demo/__init__.py";
  struct stat before {};
  ASSERT_EQ(stat(path.c_str(), &before), 0);
  write(site() + "demo/__init__.py", "answer = 43\n");  // of the same size
  const timespec times[2] = {before.st_atim, before.st_mtim};
  ASSERT_EQ(utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
  CheckOptions quick;
  quick.depth = CheckDepth::size_and_time;
  EXPECT_EQ(summary(check(quick).problems), Lines{});
  EXPECT_EQ(summary(check().problems), Lines{"file-changed demo " + site() + "demo/__init__.py"});
  write(site() + "demo/__init__.py", "answer = 44\n");  // now the time tells
  EXPECT_EQ(summary(check(quick).problems), Lines{"file-changed demo " + site() + "demo/__init__.py"});
}

TEST_F(CheckTest, NamesABrokenLinkOnce) {
  sync({demo()}, LinkMode::symlink);
  const std::string link = root() + "/" + site() + "demo";
  ASSERT_TRUE(std::filesystem::is_symlink(link));
  std::filesystem::remove(link);
  std::filesystem::create_symlink("/nowhere/demo", link);
  const CheckReport report = check();
  EXPECT_EQ(summary(report.problems), Lines{"link-broken demo " + site() + "demo"});
  EXPECT_NE(report.problems.front().message.find("\"/nowhere/demo\""), std::string::npos);
}

TEST_F(CheckTest, ComparesOtherToolsDistributionsWithTheirRecords) {
  sync({});
  write(site() + "a.py", "");
  write_foreign("a", "1.0", "",
                "a.py,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0\nb.py,,\n"
                "__pycache__/a.cpython-312.pyc,,\n");
  EXPECT_EQ(summary(check().problems), Lines{"file-missing a " + site() + "b.py"});
  write(site() + "a.py", "x");
  write(site() + "b.py", "");
  EXPECT_EQ(summary(check().problems), Lines{"file-changed a " + site() + "a.py"});
}

TEST_F(CheckTest, NamesBothDistributionsOfOnePath) {
  sync({});
  write(site() + "m.py", "");
  write_foreign("a", "1", "", "m.py,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0\n");
  write_foreign("b", "1", "", "m.py,sha256=AAAAQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0\n");
  write_foreign("c", "1", "", "m.py,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0\n");
  const CheckReport report = check();
  EXPECT_EQ(summary(report.problems), Lines{"path-shared b " + site() + "m.py"});
  EXPECT_NE(report.problems.front().message.find("by a and by b"), std::string::npos);
}

TEST_F(CheckTest, FindsTwoVersionsOfOneDistribution) {
  sync({});
  write_foreign("a", "1", "", "\n");
  write_foreign("a", "2", "", "\n");
  EXPECT_EQ(summary(check().problems), Lines{"duplicate-distribution a " + site() + "a-2.dist-info"});
}

TEST_F(CheckTest, ReportsADistributionWithoutARecordAndRefusesToRemoveIt) {
  sync({});
  write_foreign("bare", "1", "", "");
  write_foreign("broken", "1", "", "\"open quote");
  const Lines expected{"record-missing bare " + site() + "bare-1.dist-info/RECORD",
                       "record-missing broken " + site() + "broken-1.dist-info/RECORD"};
  const CheckReport report = check();
  EXPECT_EQ(summary(report.problems), expected);
  EXPECT_EQ(report.problems.front().severity, Severity::warning);
  try {
    sync({demo()});
    FAIL() << "removed a distribution of which nobody knows what belongs to it";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::bad_input);
    EXPECT_NE(error.message().find("bare has no RECORD"), std::string::npos);
  }
  EXPECT_TRUE(std::filesystem::exists(root() + "/" + site() + "bare-1.dist-info/METADATA"));
}

TEST_F(CheckTest, MissesARecordThatAxleWrote) {
  sync({demo()});
  std::filesystem::remove(root() + "/" + site() + "demo-1.0.dist-info/RECORD");
  EXPECT_EQ(summary(check().problems), Lines{"file-missing demo " + site() + "demo-1.0.dist-info/RECORD"});
}

TEST_F(CheckTest, FindsWhatRunsAtEveryStart) {
  WheelWriter wheel("hook", "1.0");
  wheel.file("hook.pth", "import hook_it; hook_it.go()\n").file("only_paths.pth", "# no code\nhook\n");
  sync({wheel});
  write(site() + "sitecustomize.py", "pass\n");
  const std::vector<std::string> found = summary(check().problems);
  EXPECT_EQ(found,
            (Lines{"startup-hook  " + site() + "sitecustomize.py", "startup-hook hook " + site() + "hook.pth",
                   "unrecorded-file  " + site() + "sitecustomize.py"}));
  CheckOptions allowing;
  allowing.allowed_hooks = {"hook"};
  EXPECT_EQ(check(allowing).problems.size(), 2U);
  allowing.hooks_allowed = true;
  EXPECT_EQ(summary(check(allowing).problems), Lines{"unrecorded-file  " + site() + "sitecustomize.py"});
}

TEST_F(CheckTest, FindsScriptsWhoseInterpreterIsGone) {
  sync({demo()});
  Interpreter here = python();
  here.foreign = false;
  std::filesystem::remove(root() + "/bin/python");
  std::filesystem::create_symlink("/nonexistent/python3.12", root() + "/bin/python");
  const CheckReport report = check({}, here);
  EXPECT_EQ(summary(report.problems),
            (Lines{"script-interpreter-gone  bin/python", "script-interpreter-gone demo bin/hello"}));
}

TEST(ScriptInterpreter, IsReadAsTheKernelAndTheShellReadIt) {
  EXPECT_EQ(find_script_interpreter("#!/env/bin/python -I\nx"), "/env/bin/python");
  EXPECT_EQ(find_script_interpreter("#! /env/bin/python"), "/env/bin/python");
  EXPECT_EQ(find_script_interpreter("#!/bin/sh\n'''exec' '/a path/python' \"$0\" \"$@\"\n' '''\n"),
            "/a path/python");
  EXPECT_EQ(find_script_interpreter("#!/bin/sh\n'''exec' \"/a path/python\" \"$0\" \"$@\"\n' '''\n"),
            "/a path/python");
  EXPECT_EQ(find_script_interpreter("#!/bin/sh\n'''exec' /p/python \"$0\" \"$@\"\n' '''\n"), "/p/python");
  EXPECT_EQ(find_script_interpreter("#!/bin/sh\n'''exec' \"$(dirname \"$0\")\"/python \"$0\"\n"),
            std::nullopt);
  EXPECT_EQ(find_script_interpreter("#!/bin/sh\nexec something\n"), "/bin/sh");
  EXPECT_EQ(find_script_interpreter("#!/usr/bin/env python3\n"), std::nullopt);
  EXPECT_EQ(find_script_interpreter("#!python\n"), std::nullopt);
  EXPECT_EQ(find_script_interpreter("#!"), std::nullopt);
  EXPECT_EQ(find_script_interpreter(""), std::nullopt);
}

DependencyNode node(const std::string& name, const std::string& version, const std::string& lines) {
  return {
      name, version, name + ".dist-info",
      parse_metadata("Metadata-Version: 2.1\nName: " + name + "\nVersion: " + version + "\n" + lines, name)};
}

Lines judge(const std::vector<DependencyNode>& nodes,
            const std::multimap<std::string, std::string>& outside = {}) {
  Lines result;
  for (const Diagnostic& one : check_dependencies(nodes, outside, default_environment(), "3.12.0").problems) {
    result.push_back(one.kind + ": " + one.message);
  }
  return result;
}

TEST(Dependencies, AreMetByNameVersionAndMarker) {
  EXPECT_EQ(judge({node("a", "1", "Requires-Dist: B_b>=2\n"), node("b-b", "2.0rc1", ""), node("c", "1", "")}),
            Lines{"dependency-version: a 1 needs B_b>=2; version 2.0rc1 is installed"});
  EXPECT_EQ(judge({node("a", "1", "Requires-Dist: b>=2\n"), node("b", "2.1.dev1", "")}), Lines{});
  EXPECT_EQ(judge({node("a", "1", "Requires-Dist: b; sys_platform == 'win32'\nRequires-Dist: c\n")}),
            Lines{"dependency-missing: a 1 needs c, which is not installed"});
  EXPECT_EQ(judge({node("a", "1", "Requires-Dist: b>=2\n")}, {{"b", ""}}), Lines{});
  EXPECT_EQ(judge({node("a", "1", "Requires-Python: >=3.13\n")}),
            Lines{"requires-python: a 1 needs Python >=3.13; this one is 3.12.0"});
  EXPECT_EQ(judge({node("a", "1", "Requires-Dist: b ~ 1\n")}),
            Lines{"metadata-invalid: Requires-Dist \"b ~ 1\" is no requirement"});
}

TEST(Dependencies, OfExtrasCountWhenSomebodyAsksForThem) {
  const std::string with_extras =
      "Provides-Extra: X\nProvides-Extra: all\nRequires-Dist: deep; extra == 'X'\nRequires-Dist: b[x]; extra "
      "== 'all'\n";
  EXPECT_EQ(judge({node("a", "1", "Requires-Dist: b\n"), node("b", "1", with_extras)}), Lines{});
  EXPECT_EQ(judge({node("a", "1", "Requires-Dist: b[all]\n"), node("b", "1", with_extras)}),
            Lines{"dependency-missing: b 1 needs deep; extra == \"x\", which is not installed"});
  // Nobody in the environment asks for it, however much it asks for itself.
  EXPECT_EQ(judge({node("b", "1", with_extras)}), Lines{});
}

TEST_F(CheckTest, AsksTheLinkDoctorAboutLibraries) {
  sync({});
  const Fd dir = open_dir(AT_FDCWD, root());
  const auto object = [](std::vector<std::string> needed, std::string soname) {
    auto facts = std::make_shared<ObjectFacts>();
    facts->kind = ObjectFacts::Kind::shared_library;
    facts->machine = "x86_64";
    facts->bits = 64;
    facts->needed = std::move(needed);
    facts->soname = std::move(soname);
    facts->runpath = "$ORIGIN/../demo.libs";
    return facts;
  };
  std::vector<FoundObject> objects{
      {site() + "demo.libs/libone.so.1", 0, object({"libc.so.6"}, "libone.so.1")},
      {site() + "demo/ext.so", 0, object({"libone.so.1", "libnowhere.so.9"}, "")},
  };
  const auto damaged = std::make_shared<ObjectFacts>();
  damaged->error = "ELF class is neither 32 nor 64 bits";
  objects.push_back({site() + "demo/zeros.so", 0, damaged});
  RecordedDist dist{{"demo", "demo", "1.0", RelPath::parse(site() + "demo-1.0.dist-info")}, nullptr, {}};
  const Diagnostics problems =
      check_native(dir, venv_layout(python(), root()), python(), {objects, {dist}, {}});
  ASSERT_EQ(summary(problems), (Lines{"library-unloadable demo " + site() + "demo/ext.so",
                                      "library-damaged demo " + site() + "demo/zeros.so"}));
  EXPECT_NE(problems.front().message.find("libnowhere.so.9"), std::string::npos);
}

}  // namespace
}  // namespace axle::test
