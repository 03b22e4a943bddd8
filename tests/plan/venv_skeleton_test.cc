// The skeleton laid on disk: its interpreter runs, every shell activates it, and it is what `python -m venv`
// makes.

#include "plan/venv_skeleton.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "axle/base/error.h"
#include "env/temp_tree.h"

namespace axle {
namespace {

using axle_test::host_python;
using axle_test::run;
using axle_test::sh_quote;
using axle_test::TempTree;

Interpreter host_interpreter() {
  InterpreterRequest request;
  request.spec = host_python();
  request.working_dir = "/";
  return find_interpreter(request);
}

void lay(const std::vector<SkeletonEntry>& entries, const std::string& root) {
  namespace fs = std::filesystem;
  for (const SkeletonEntry& entry : entries) {
    const fs::path path = fs::path(root) / entry.path.str();
    fs::create_directories(path.parent_path());
    if (entry.kind == SkeletonKind::directory) {
      fs::create_directories(path);
    } else if (entry.kind == SkeletonKind::symlink) {
      fs::create_symlink(entry.content, path);
    } else {
      std::ofstream(path, std::ios::binary) << entry.content;
    }
  }
}

std::map<std::string, SkeletonEntry> by_path(const std::vector<SkeletonEntry>& entries) {
  std::map<std::string, SkeletonEntry> map;
  for (const SkeletonEntry& entry : entries)
    EXPECT_TRUE(map.emplace(entry.path.str(), entry).second) << entry.path.str();
  return map;
}

VenvOptions options_for(const std::string& root) {
  VenvOptions options;
  options.root = root;
  return options;
}

TEST(VenvSkeleton, PythonRunsInIt) {
  const TempTree tree;
  const std::string root = tree.at("env");
  const Interpreter python = host_interpreter();
  lay(make_venv_skeleton(python, options_for(root)), root);
  const std::string ask =
      " -c 'import sys, site; print(sys.prefix, sys.base_prefix == sys.prefix, [p for p in sys.path if "
      "\"site-packages\" in p])'";
  const std::string expected =
      root + " False ['" + root + "/lib/python" + short_version(python) + "/site-packages']";
  for (const std::string& name :
       {std::string("python"), std::string("python3"), "python" + short_version(python)}) {
    EXPECT_EQ(run("cd /; " + sh_quote(root + "/bin/" + name) + ask).out, expected);
  }
  InterpreterRequest request;
  request.venv = root;
  request.working_dir = "/";
  const Interpreter again = find_interpreter(request);
  EXPECT_EQ(again.venv, root);
  EXPECT_EQ(again.base_executable, python.base_executable);
}

TEST(VenvSkeleton, IsWhatPythonMakes) {
  const TempTree tree;
  ASSERT_EQ(run("cd / && " + host_python() + " -m venv --without-pip " + sh_quote(tree.at("theirs"))).status,
            0);
  lay(make_venv_skeleton(host_interpreter(), options_for(tree.at("ours"))), tree.at("ours"));
  const auto list = [&](const char* name) {
    std::set<std::string> paths;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(tree.at(name))) {
      std::string path = std::filesystem::relative(entry.path(), tree.at(name)).string();
      if (entry.path().extension() == ".pth") continue;
      paths.insert(path + (std::filesystem::is_directory(entry.path()) ? "/" : ""));
    }
    return paths;
  };
  const std::set<std::string> theirs = list("theirs");
  const std::set<std::string> ours = list("ours");
  std::vector<std::string> missing;
  std::vector<std::string> more;
  std::set_difference(theirs.begin(), theirs.end(), ours.begin(), ours.end(), std::back_inserter(missing));
  std::set_difference(ours.begin(), ours.end(), theirs.begin(), theirs.end(), std::back_inserter(more));
  EXPECT_EQ(missing, std::vector<std::string>{});
  std::erase(more, ".gitignore");  // from 3.13 on Python makes it too
  EXPECT_EQ(more, (std::vector<std::string>{"CACHEDIR.TAG", "bin/activate.nu"}));
}

TEST(VenvSkeleton, SystemSitePackages) {
  const TempTree tree;
  const Interpreter python = host_interpreter();
  VenvOptions options = options_for(tree.at("env"));
  const char* ask =
      " -c 'import sys; print(sum(p.endswith(\"site-packages\") and not p.startswith(sys.prefix) for p in "
      "sys.path))'";
  options.system_site_packages = true;
  lay(make_venv_skeleton(python, options), options.root);
  EXPECT_EQ(run("PYTHONNOUSERSITE=1 " + options.root + "/bin/python" + ask).out, "1");
  EXPECT_NE(render_pyvenv_config(python, options).find("include-system-site-packages = true\n"),
            std::string::npos);
}

TEST(VenvSkeleton, PyvenvConfigIsTheSameForEveryRelease) {
  const Interpreter python =
      foreign_interpreter({"3.12.4", "manylinux_2_28_x86_64", "/usr/local/bin/python3.12"});
  VenvOptions options = options_for("/opt/venv");
  EXPECT_EQ(render_pyvenv_config(python, options),
            "home = /usr/local/bin\nimplementation = CPython\nversion = 3.12.4\nversion_info = 3.12.4\n"
            "include-system-site-packages = false\nexecutable = /usr/local/bin/python3.12\n");
  options.prompt = "my env";
  options.explicit_prompt = true;
  options.relocatable = true;
  EXPECT_TRUE(render_pyvenv_config(python, options).ends_with("relocatable = true\nprompt = my env\n"));
}

TEST(VenvSkeleton, LayoutsByVersionAndPlatform) {
  const auto make = [](const char* version, const char* platform) {
    return by_path(
        make_venv_skeleton(foreign_interpreter({version, platform, ""}),
                           options_for(std::string_view(platform).starts_with("win") ? "C:\\env" : "/env")));
  };
  const auto linux_ = make("3.14.0", "manylinux_2_28_x86_64");
  EXPECT_EQ(linux_.at("lib64").content, "lib");
  EXPECT_EQ(linux_.at("bin/python").content, "/usr/local/bin/python3.14");
  EXPECT_EQ(linux_.at("bin/python3").content, "python");
  EXPECT_EQ(linux_.at("bin/python3.14").content, "python");
  EXPECT_FALSE(make("3.15.0", "manylinux_2_28_x86_64").contains("lib64"));
  EXPECT_FALSE(make("3.12", "macosx_14_0_arm64").contains("lib64"));
  EXPECT_FALSE(make("3.12", "manylinux_2_28_i686").contains("lib64"));
  const auto threaded = make("3.13t", "manylinux_2_28_x86_64");
  EXPECT_TRUE(threaded.contains("bin/python3.13t"));
  EXPECT_TRUE(threaded.contains("bin/python3.13"));
  EXPECT_TRUE(threaded.contains("lib/python3.13t/site-packages"));
  EXPECT_TRUE(threaded.contains("include/python3.13t"));
  const auto windows = make("3.12", "win_amd64");
  EXPECT_TRUE(windows.contains("Scripts/activate.bat"));
  EXPECT_TRUE(windows.contains("Lib/site-packages"));
  EXPECT_FALSE(windows.contains("bin/python"));
  EXPECT_FALSE(windows.contains("Scripts/python.exe"));
  EXPECT_NE(windows.at("pyvenv.cfg").content.find("home = C:\\Python312\n"), std::string::npos);
  EXPECT_NE(windows.at("Scripts/activate.bat").content.find("\r\n"), std::string::npos);
}

TEST(VenvSkeleton, WindowsLaunchersComeFromTheCaller) {
  VenvOptions options = options_for("C:\\env");
  options.windows_python = "MZ";
  const auto entries = by_path(make_venv_skeleton(foreign_interpreter({"3.12", "win_amd64", ""}), options));
  EXPECT_EQ(entries.at("Scripts/python.exe").content, "MZ");
  EXPECT_FALSE(entries.contains("Scripts/pythonw.exe"));
}

TEST(VenvSkeleton, WithoutLinksTheInterpreterIsCopied) {
  VenvOptions options = options_for("/env");
  options.interpreter = VenvInterpreter::copied;
  options.executable = "ELF";
  const Interpreter interpreter =
      foreign_interpreter({"3.12", "manylinux_2_28_x86_64", "/usr/bin/python3.12"});
  const auto entries = by_path(make_venv_skeleton(interpreter, options));
  for (const auto& [path, entry] : entries) EXPECT_NE(entry.kind, SkeletonKind::symlink) << path;
  for (const char* name : {"bin/python", "bin/python3", "bin/python3.12"}) {
    EXPECT_EQ(entries.at(name).kind, SkeletonKind::executable);
    EXPECT_EQ(entries.at(name).content, "ELF");
  }
  EXPECT_NE(entries.at("pyvenv.cfg").content.find("home = /usr/bin\n"), std::string::npos);
}

TEST(VenvSkeleton, RefusesWhatNoShellCanHold) {
  const Interpreter python = foreign_interpreter({"3.12", "linux_x86_64", ""});
  for (const char* root : {"/a\nb", "/a\rb", "/a:b", "/a\x1b[0m", "/a\xFF"}) {
    EXPECT_THROW(make_venv_skeleton(python, options_for(root)), Error) << root;
  }
  VenvOptions options = options_for("/env");
  options.prompt = "a\nb";
  EXPECT_THROW(make_venv_skeleton(python, options), Error);
  options = options_for("C:\\env");
  options.prompt = "a\" & calc & \"";
  EXPECT_THROW(make_venv_skeleton(foreign_interpreter({"3.12", "win_amd64", ""}), options), Error);
}

TEST(VenvSkeleton, NamesOfTheEnvironment) {
  for (const char* name :
       {"python", "Python3", "python3.12", "python3.13t", "pythonw.exe", "python.exe", "pypy3", "graalpy",
        "activate", "activate.fish", "Activate.ps1", "activate_this.py", "deactivate.bat", "python3.py"}) {
    EXPECT_TRUE(is_environment_script(name)) << name;
  }
  for (const char* name : {"pip", "ipython", "python-argcomplete-check", "activate-global-python-argcomplete",
                           "pythonista", "pypy-tool", "python3-config", "activated"}) {
    EXPECT_FALSE(is_environment_script(name)) << name;
  }
}

// --- activation ---

struct Shell {
  const char* name;
  const char* command;  // reads a script from the file given after it
  const char* script;   // of the environment
  bool tells_place;     // a relocatable environment is found after a move
};
constexpr Shell shells[] = {{"dash", "dash -eu", "activate", false},
                            {"bash", "bash -eu", "activate", true},
                            {"fish", "fish --no-config", "activate.fish", true},
                            {"csh", "csh -f", "activate.csh", false}};

std::string session(const Shell& shell, const std::string& file) {
  const std::string source = (std::string(shell.script) == "activate" ? ". " : "source ") + file;
  const std::string show =
      "python -c 'import os, sys; print(sys.prefix); print(os.environ.get(\"VIRTUAL_ENV\")); "
      "print(os.environ.get(\"VIRTUAL_ENV_PROMPT\"))'\n";
  return source + "\n" + show + "deactivate\n" +
         "sh -c 'echo ${VIRTUAL_ENV-none} ${VIRTUAL_ENV_PROMPT-none}; echo \"$PATH\"'\n";
}

TEST(Activate, EveryShellInEveryDirectory) {
  const Interpreter python = host_interpreter();
  for (const char* name : {"plain", "two words", "it's", "\"double\"", "$HOME", "$(touch hacked)",
                           "`touch hacked`", "back\\slash", "100%s", "caf\xC3\xA9", "!bang!", "a;b&c|d",
                           "*[x]?", "#hash", "(paren)", "{brace}", "~t"}) {
    const TempTree tree;
    const std::string root = tree.at(name);
    lay(make_venv_skeleton(python, options_for(root)), root);
    // The scripts are reached by a plain path, so that only their own text is at stake.
    tree.link(root, "way");
    for (const Shell& shell : shells) {
      const std::string file =
          tree.write("session", session(shell, tree.at("way/bin/" + std::string(shell.script))));
      const auto ran = run("cd " + tree.path() + "; PATH=/usr/bin:/bin " + shell.command + " " + file);
      EXPECT_EQ(ran.out, root + "\n" + root + "\n" + name + "\nnone none\n/usr/bin:/bin")
          << shell.name << " in " << name;
    }
    EXPECT_FALSE(std::filesystem::exists(tree.at("hacked"))) << name;
  }
}

TEST(Activate, RelocatedEnvironments) {
  const TempTree tree;
  VenvOptions options = options_for(tree.at("before"));
  options.relocatable = true;
  lay(make_venv_skeleton(host_interpreter(), options), options.root);
  std::filesystem::rename(tree.at("before"), tree.at("after the move"));
  tree.link("after the move", "way");
  for (const Shell& shell : shells) {
    if (!shell.tells_place) continue;
    const std::string file = tree.write(
        "session", session(shell, "'" + tree.at("after the move/bin/" + std::string(shell.script)) + "'"));
    const auto ran = run("PATH=/usr/bin:/bin " + std::string(shell.command) + " " + file);
    EXPECT_TRUE(
        ran.out.starts_with(tree.at("after the move") + "\n" + tree.at("after the move") + "\nbefore\n"))
        << shell.name << ran.out;
  }
}

TEST(Activate, PromptsAreShownAndNeverRun) {
  const Interpreter python = host_interpreter();
  for (const char* prompt :
       {"demo", "$(touch hacked)", "`touch hacked`", "it's", "\\$(touch hacked)", "a\"b"}) {
    const TempTree tree;
    VenvOptions options = options_for(tree.at("env"));
    options.prompt = prompt;
    lay(make_venv_skeleton(python, options), options.root);
    // ${PS1@P} is what an interactive bash would show.
    const std::string script = tree.write(
        "session",
        "PS1='> '\n. ./env/bin/activate\nprintf '%s\\n' \"${PS1@P}\"\ndeactivate\nprintf '%s\\n' \"$PS1\"\n");
    EXPECT_EQ(run("cd " + tree.path() + "; bash " + script).out, "(" + std::string(prompt) + ") > \n> ");
    const std::string fish = tree.write("session.fish",
                                        "function fish_prompt; echo 'outer>'; end\nsource "
                                        "./env/bin/activate.fish\nfish_prompt\ndeactivate\nfish_prompt\n");
    EXPECT_EQ(run("cd " + tree.path() + "; fish --no-config " + fish).out,
              "(" + std::string(prompt) + ") outer>\nouter>");
    EXPECT_FALSE(std::filesystem::exists(tree.at("hacked"))) << prompt;
  }
}

TEST(Activate, PythonHomeIsSetAside) {
  const TempTree tree;
  lay(make_venv_skeleton(host_interpreter(), options_for(tree.at("env"))), tree.at("env"));
  const std::string script =
      tree.write("session", ". " + tree.at("env/bin/activate") +
                                "\necho ${PYTHONHOME-unset}\ndeactivate\necho $PYTHONHOME\n");
  for (const char* shell : {"dash", "bash"})
    EXPECT_EQ(run(std::string("PYTHONHOME=/x ") + shell + " " + script).out, "unset\n/x");
}

// Shells that may not be here: the text must hold each value as that shell quotes it.
TEST(Activate, QuotingOfOtherShells) {
  const Interpreter python = foreign_interpreter({"3.12", "linux_x86_64", ""});
  VenvOptions options = options_for("/a \"b\" \\c $d");
  options.prompt = "it's \xE2\x80\x99 $(x)";
  auto entries = by_path(make_venv_skeleton(python, options));
  EXPECT_NE(entries.at("bin/activate.nu").content.find("let root = \"/a \\\"b\\\" \\\\c $d\""),
            std::string::npos);
  EXPECT_NE(entries.at("bin/Activate.ps1").content.find("PROMPT = 'it''s \xE2\x80\x99\xE2\x80\x99 $(x)'\n"),
            std::string::npos);
  EXPECT_EQ(entries.at("bin/Activate.ps1").content.find(options.root), std::string::npos)
      << "it finds its own place";
  VenvOptions windows = options_for("C:\\100% env");
  windows.prompt = "50% $P";
  entries = by_path(make_venv_skeleton(foreign_interpreter({"3.12", "win_amd64", ""}), windows));
  EXPECT_NE(entries.at("Scripts/activate.bat").content.find("VIRTUAL_ENV_PROMPT=50%% $P\""),
            std::string::npos);
  EXPECT_EQ(entries.at("Scripts/activate.bat").content.find("100%"), std::string::npos);
}

}  // namespace
}  // namespace axle
