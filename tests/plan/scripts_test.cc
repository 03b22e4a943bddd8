// Shebangs and launchers, run by the real /bin/sh and the real Python.

#include <gtest/gtest.h>

#include <set>

#include "axle/base/error.h"
#include "env/temp_tree.h"
#include "plan/launcher_scripts.h"

namespace axle {
namespace {

using axle_test::host_python;
using axle_test::run;
using axle_test::sh_quote;
using axle_test::TempTree;

constexpr const char* show = "import sys\nprint(sys.argv[1:], sys.flags.no_site, sys.flags.isolated)\n";

TEST(Shebang, SimpleWhereTheKernelTakesIt) {
  EXPECT_EQ(render_shebang({"/opt/venv/bin/python"}), "#!/opt/venv/bin/python\n");
  EXPECT_EQ(render_shebang({"/opt/venv/bin/python"}, " -E"), "#!/opt/venv/bin/python -E\n");
  // 127 bytes with the newline.
  const std::string longest = "/" + std::string(123, 'x');
  EXPECT_EQ(render_shebang({longest}), "#!" + longest + "\n");
  EXPECT_TRUE(render_shebang({longest + "x"}).starts_with("#!/bin/sh\n"));
  EXPECT_EQ(render_shebang({longest + "x", false, Os::macos}), "#!" + longest + "x\n");
  EXPECT_TRUE(
      render_shebang({"/a b/python"}).starts_with("#!/bin/sh\n'''exec' '/a b/python' \"$0\" \"$@\"\n"));
  // The kernel would give "-E -s" as one argument.
  EXPECT_TRUE(render_shebang({"/opt/python"}, "-E -s").starts_with("#!/bin/sh\n"));
}

TEST(Shebang, RefusesPathsThatNoLineCanHold) {
  for (const std::string& path : {std::string("/a\nb/python"), std::string("/a\rb"), std::string("/a\0b", 4),
                                  std::string("/a\xFF/python"), std::string()}) {
    EXPECT_THROW(render_shebang({path}), Error);
    EXPECT_THROW(render_shebang({path, true}), Error);
  }
  EXPECT_THROW(render_shebang({"/p"}, "-E\nimport os"), Error);
}

// Every kind of directory that an environment may lie in.
std::vector<std::string> hostile_directories() {
  return {"plain",
          "two words",
          "it's",
          "''quotes''",
          "'''three'''",
          "\"double\"",
          "$HOME",
          "$(touch hacked)",
          "`touch hacked`",
          "back\\slash\\N{x}\\x\\u",
          "ends\\",
          "100%",
          "caf\xC3\xA9 \xE6\x97\xA5\xE6\x9C\xAC",
          "!bang",
          "a#b",
          "~tilde",
          "*glob?[x]",
          "semi;colon&amp",
          "tab\there",
          std::string(200, 'L') + "/" + std::string(200, 'M')};
}

TEST(Shebang, ScriptsRunFromEveryDirectory) {
  for (const std::string& name : hostile_directories()) {
    const TempTree tree;
    tree.link(host_python(), name + "/bin/python");
    const std::string python = tree.at(name + "/bin/python");
    for (const bool relocatable : {false, true}) {
      const ScriptInterpreter interpreter{python, relocatable};
      const std::string script = tree.write(
          name + "/bin/tool", *rewrite_script(std::string("#!python -S -I\n") + show, interpreter), 0755);
      const auto ran = run("cd /; " + sh_quote(script) + " 'a b' \"it's\"");
      EXPECT_EQ(ran.out, "['a b', \"it's\"] 1 1") << name << relocatable;
      EXPECT_EQ(ran.status, 0);
    }
    EXPECT_FALSE(std::filesystem::exists(tree.at("hacked")));
    EXPECT_FALSE(std::filesystem::exists(tree.at(name + "/bin/hacked")));
  }
}

TEST(Shebang, TheRelocatableFormFindsItsPlace) {
  const TempTree tree;
  tree.link(host_python(), "first place/bin/python");
  // Another interpreter beside a link to the script must not be taken.
  tree.write("links/python", "#!/bin/sh\necho wrong\n", 0755);
  const std::string text =
      render_entry_point({"json", "dumps.__name__.upper"}, {tree.at("first place/bin/python"), true});
  EXPECT_EQ(text.find(tree.path()), std::string::npos) << "no absolute path stands in it";
  const std::string body = render_shebang({"/x/python", true}) + "import sys; print('ran', sys.argv[1:])\n";
  tree.write("first place/bin/tool", body, 0755);
  std::filesystem::rename(tree.at("first place"), tree.at("second place"));
  tree.link("../second place/bin/tool", "links/tool");
  tree.link("tool", "links/again");
  const std::string bin = sh_quote(tree.at("second place/bin"));
  EXPECT_EQ(run(sh_quote(tree.at("second place/bin/tool")) + " 1").out, "ran ['1']");
  EXPECT_EQ(run("cd " + bin + " && ./tool 2").out, "ran ['2']");
  EXPECT_EQ(run("cd " + bin + " && sh tool 3").out, "ran ['3']") << "a name without a slash";
  EXPECT_EQ(run("PATH=" + bin + ":$PATH; tool 4").out, "ran ['4']");
  EXPECT_EQ(run("cd /; PATH=" + bin + ":$PATH; bash -c 'tool 5'").out, "ran ['5']");
  EXPECT_EQ(run(sh_quote(tree.at("links/tool")) + " 6").out, "ran ['6']") << "a link to the script";
  EXPECT_EQ(run("cd " + sh_quote(tree.at("links")) + " && ./again 7").out, "ran ['7']") << "a link to a link";
  // Without any external command on PATH.
  EXPECT_EQ(run("PATH=/nonexistent " + sh_quote(tree.at("second place/bin/tool")) + " 8").out, "ran ['8']");
}

TEST(EntryPoint, CallsAndExitsWithTheResult) {
  const TempTree tree;
  tree.write("lib/pkg/__init__.py", "");
  tree.write("lib/pkg/cli.py",
             "import sys\nclass App:\n    @staticmethod\n    def main():\n        "
             "print(sys.argv[0].rsplit('/', 1)[-1], sys.argv[1:])\n        return 7\n"
             "def fine():\n    return None\ndef text():\n    return 'problem'\n");
  const auto call = [&](const char* attribute, const char* name) {
    const std::string text = render_entry_point({"pkg.cli", attribute}, {host_python()});
    const std::string script = tree.write(name, text, 0755);
    return run("PYTHONPATH=" + sh_quote(tree.at("lib")) + " PYTHONDONTWRITEBYTECODE=1 " + sh_quote(script) +
               " x");
  };
  EXPECT_EQ(call("App.main", "tool").status, 7);
  EXPECT_EQ(call("App.main", "tool").out, "tool ['x']");
  EXPECT_EQ(call("App.main", "tool.exe").out, "tool ['x']");
  EXPECT_EQ(call("App.main", "tool-script.pyw").out, "tool ['x']");
  EXPECT_EQ(call("App.main", "my.exe.d").out, "my.exe.d ['x']");
  EXPECT_EQ(call("fine", "tool").status, 0);
  EXPECT_EQ(call("text", "tool").status, 1);
}

TEST(EntryPoint, NamesBeyondAsciiStayAsciiInTheFile) {
  const TempTree tree;
  tree.write("lib/caf\xC3\xA9.py", "class \xC3\x9C:\n    @staticmethod\n    def l\xC3\xA4uft(): return 5\n");
  const std::string text = render_entry_point({"caf\xC3\xA9", "\xC3\x9C.l\xC3\xA4uft"}, {host_python()});
  for (char c : text) EXPECT_LT(static_cast<unsigned char>(c), 0x80);
  const std::string script = tree.write("tool", text, 0755);
  EXPECT_EQ(
      run("PYTHONPATH=" + sh_quote(tree.at("lib")) + " PYTHONDONTWRITEBYTECODE=1 " + sh_quote(script)).status,
      5);
}

TEST(EntryPoint, OnlyIdentifiersAreSpliced) {
  const std::vector<std::string> bad{"",    ".",  "a.",  ".a",   "a b", "a;b", "a\nimport os",
                                     "a-b", "1a", "a()", "a\"b", "\xFF"};
  for (const std::string& text : bad) {
    EXPECT_THROW(render_entry_point({text, "main"}, {"/usr/bin/python3"}), Error) << text;
    EXPECT_THROW(render_entry_point({"mod", text}, {"/usr/bin/python3"}), Error) << text;
  }
}

TEST(RewriteScript, OnlyTheFirstLine) {
  const ScriptInterpreter python{"/opt/venv/bin/python"};
  EXPECT_EQ(rewrite_script("#!python\nprint()\n", python), "#!/opt/venv/bin/python\nprint()\n");
  EXPECT_EQ(rewrite_script("#!pythonw\r\nprint()\r\n", python), "#!/opt/venv/bin/python\nprint()\r\n");
  EXPECT_EQ(rewrite_script("#!python -E\nx", python), "#!/opt/venv/bin/python -E\nx");
  EXPECT_EQ(rewrite_script("#!python3\nx", python), "#!/opt/venv/bin/python\nx");
  EXPECT_EQ(rewrite_script("#!python", python), "#!/opt/venv/bin/python\n");
  for (const char* other :
       {"", "print()", "#!/usr/bin/python\n", "#! python\n", " #!python\n", "#!/usr/bin/env python\n"}) {
    EXPECT_EQ(rewrite_script(other, python), std::nullopt);
    EXPECT_FALSE(wants_rewrite(other));
  }
  EXPECT_EQ(rewrite_script(std::string_view("#!python\n\0\xFF", 11), python),
            std::string("#!/opt/venv/bin/python\n\0\xFF", 25));
}

TEST(RewriteScript, ACodingCommentStaysOnTheSecondLine) {
  const TempTree tree;
  tree.link(host_python(), "a b/python");
  const std::string text = *rewrite_script(
      "#!python\n# -*- coding: latin-1 -*-\nfrom __future__ import annotations\nprint(ascii('\xE9'))\n",
      {tree.at("a b/python")});
  EXPECT_EQ(run(sh_quote(tree.write("tool", text, 0755))).out, "'\\xe9'");
}

TEST(RewriteScript, Windows) {
  const ScriptInterpreter python{"C:\\my env\\Scripts\\python.exe", false, Os::windows};
  EXPECT_EQ(rewrite_script("#!pythonw -E\nx", python), "#!\"C:\\my env\\Scripts\\pythonw.exe\" -E\nx");
}

}  // namespace
}  // namespace axle
