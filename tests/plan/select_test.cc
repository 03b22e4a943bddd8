// Selection on small locks; the real ones are in tests/lock/expect_test.cc.

#include "axle/plan/select.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "axle/lock/parse.h"
#include "axle/pep/target.h"

namespace axle {
namespace {

using Files = std::map<std::string, std::string>;

Lock lock_from(const std::string& path, const std::string& text, const Files& files = {}) {
  LockContext context;
  context.path = path;
  context.read_file = [&](const std::string& name) -> std::optional<std::string> {
    const auto found = files.find(name);
    return found == files.end() ? std::nullopt : std::optional(found->second);
  };
  return parse_lock(text, context);
}

SelectionRequest request_for(const std::string& python = "3.12",
                             const std::string& platform = "manylinux_2_28_x86_64") {
  TagTarget target;
  target.python = python;
  target.platform = platform;
  return make_selection_request(target);
}

// "name version" of all pins, or "kind: package" of all problems.
std::string outcome(const Lock& lock, const SelectionRequest& request) {
  const auto result = try_select(lock, request);
  std::string text;
  if (const auto* problems = std::get_if<std::vector<SelectionProblem>>(&result)) {
    for (const SelectionProblem& one : *problems) {
      text += (text.empty() ? "" : ", ") + std::string(to_string(one.kind)) + ": " + one.package;
    }
    return text;
  }
  for (const Pin& pin : std::get<Selection>(result).pins) {
    text += (text.empty() ? "" : ", ") + pin.name + " " + pin.version;
  }
  return text;
}

std::string uv_package(const std::string& name, const std::string& version, const std::string& more = "",
                       const std::string& tags = "py3-none-any") {
  return "[[package]]\nname='" + name + "'\nversion='" + version +
         "'\nsource={registry='https://index.example/simple'}\n" + "wheels=[{url='https://files.example/" +
         name + "-" + version + "-" + tags + ".whl'}]\n" + more;
}

const std::string uv_root = "version=1\nrequires-python='>=3.9'\n";

TEST(SelectUv, ExtrasEnterThePackageAndItsExtra) {
  const Lock lock = lock_from("uv.lock", uv_root +
                                             "[[package]]\nname='p'\nversion='0'\nsource={editable='.'}\n"
                                             "dependencies=[{name='a',extra=['x']}]\n" +
                                             uv_package("a", "1",
                                                        "dependencies=[{name='b'}]\n[package.optional-"
                                                        "dependencies]\nx=[{name='c'}]\ny=[{name='d'}]\n") +
                                             uv_package("b", "1", "dependencies=[{name='a'}]\n") +
                                             uv_package("c", "1") + uv_package("d", "1"));
  EXPECT_EQ(outcome(lock, request_for()), "a 1, b 1, c 1");
  const Selection selection = select(lock, request_for());
  ASSERT_EQ(selection.local_projects.size(), 1U);
  EXPECT_EQ(selection.local_projects[0].name, "p");
  EXPECT_TRUE(selection.pins[0].requested);
  EXPECT_FALSE(selection.pins[1].requested);
}

TEST(SelectUv, ConflictMarkersAreASetOfWhatIsOn) {
  const Lock lock =
      lock_from("uv.lock",
                "version=1\nconflicts=[[{package='p',extra='cpu'},{package='p',extra='gpu'}]]\n"
                "[[package]]\nname='p'\nversion='0'\nsource={virtual='.'}\n"
                "dependencies=[{name='a',version='1',marker=\"extra != "
                "'extra-1-p-gpu'\"},{name='a',version='2',marker=\"extra == 'extra-1-p-gpu'\"}]\n"
                "[package.optional-dependencies]\ncpu=[{name='b'}]\ngpu=[]\n" +
                    uv_package("a", "1") + uv_package("a", "2") + uv_package("b", "1"));
  EXPECT_EQ(outcome(lock, request_for()), "a 1");
  SelectionRequest request = request_for();
  request.wanted.extras = {"gpu"};
  EXPECT_EQ(outcome(lock, request), "a 2");
  request.wanted.extras = {"CPU"};
  EXPECT_EQ(outcome(lock, request), "a 1, b 1");
  request.wanted.extras = {"cpu", "gpu"};
  EXPECT_EQ(outcome(lock, request), "conflict: ");
  EXPECT_THROW(
      try { select(lock, request); } catch (const Error& error) {
        EXPECT_EQ(error.message().substr(0, 10), "conflict: ");
        throw;
      },
      Error);
}

TEST(SelectUv, GroupsDefaultsAndOnly) {
  const Lock lock = lock_from(
      "uv.lock", uv_root +
                     "[[package]]\nname='p'\nversion='0'\nsource={virtual='.'}\ndependencies=[{name='a'}]\n"
                     "[package.dev-dependencies]\ndev=[{name='b'}]\ndocs=[{name='c'}]\n" +
                     uv_package("a", "1") + uv_package("b", "1") + uv_package("c", "1"));
  SelectionRequest request = request_for();
  EXPECT_EQ(outcome(lock, request), "a 1, b 1");
  request.wanted.groups = {"docs"};
  EXPECT_EQ(outcome(lock, request), "a 1, b 1, c 1");
  request.wanted.excluded_groups = {"dev"};
  EXPECT_EQ(outcome(lock, request), "a 1, c 1");
  request.wanted = {};
  request.wanted.default_groups = false;
  EXPECT_EQ(outcome(lock, request), "a 1");
  request.wanted = {};
  request.wanted.only_groups = {"docs"};
  EXPECT_EQ(outcome(lock, request), "c 1");
  request.wanted = {};
  request.wanted.all_groups = true;
  EXPECT_EQ(outcome(lock, request), "a 1, b 1, c 1");
  request.exclude = {"B"};
  EXPECT_EQ(outcome(lock, request), "a 1, c 1");
  request.only = {"c"};
  EXPECT_EQ(outcome(lock, request), "c 1");
  request.only = {"nothing"};
  EXPECT_EQ(outcome(lock, request), "unsatisfied: nothing");
}

TEST(Select, AllReasonsAtOnce) {
  const Lock lock = lock_from("uv.lock", uv_root +
                                             "[[package]]\nname='p'\nversion='0'\nsource={virtual='.'}"
                                             "\ndependencies=[{name='a'},{name='b'},{name='gone'}]\n" +
                                             uv_package("b", "1", "", "cp310-cp310-win_amd64") +
                                             uv_package("a", "1", "", "cp39-cp39-win32"));
  EXPECT_EQ(outcome(lock, request_for()), "unsatisfied: gone, no wheel: a, no wheel: b");
  SelectionRequest request = request_for("3.8");
  request.wanted.extras = {"x"};
  request.wanted.groups = {"y"};
  EXPECT_EQ(outcome(lock, request), "requires-python: , extra: , group: ");
}

TEST(Select, NoWheelNamesBothSidesAndFindLinksHelps) {
  const Lock lock = lock_from(
      "uv.lock", uv_root +
                     "[[package]]\nname='p'\nversion='0'\nsource={virtual='.'}\ndependencies=[{name='a'}]\n"
                     "[[package]]\nname='a'\nversion='1'\nsource={registry='r'}\nsdist={url='https://"
                     "files.example/a-1.tar.gz'}\n");
  SelectionRequest request = request_for();
  const auto problems = std::get<std::vector<SelectionProblem>>(try_select(lock, request));
  EXPECT_EQ(problems.at(0).hint, "build the wheel first, then --find-links");
  EXPECT_EQ(problems.at(0).place.line, 8U);
  Candidate built;
  built.file_name = "a-1-py3-none-any.whl";
  built.path = "dist/a-1-py3-none-any.whl";
  request.find_links = {built};
  const Selection selection = select(lock, request);
  EXPECT_EQ(selection.pins.at(0).wheel->path, "dist/a-1-py3-none-any.whl");
  EXPECT_TRUE(selection.pins.at(0).from_find_links);
}

TEST(Select, WheelOfAnotherPackageIsRefused) {
  const Lock lock = lock_from(
      "uv.lock", uv_root +
                     "[[package]]\nname='p'\nversion='0'\nsource={virtual='.'}\ndependencies=[{name='a'}]\n"
                     "[[package]]\nname='a'\nversion='1'\nsource={registry='r'}\nwheels=[{url='https://"
                     "files.example/b-1-py3-none-any.whl'}]\n");
  EXPECT_THROW(select(lock, request_for()), Error);
}

TEST(Select, BestTagThenHighestBuild) {
  const Lock lock = lock_from(
      "pylock.toml",
      "lock-version='1.0'\ncreated-by='x'\n[[packages]]\nname='a'\nversion='1'\nwheels=[" +
          [] {
            std::string files;
            for (const char* tags :
                 {"py3-none-any", "cp312-cp312-manylinux_2_17_x86_64", "1-cp312-cp312-manylinux_2_17_x86_64",
                  "10-cp312-cp312-manylinux_2_17_x86_64", "cp313-cp313-manylinux_2_17_x86_64",
                  "cp39-abi3-manylinux_2_28_x86_64"}) {
              files += "{name='a-1-" + std::string(tags) + ".whl',hashes={sha256='" + std::string(64, 'a') +
                       "'}},";
            }
            return files;
          }() +
          "]\n");
  EXPECT_EQ(select(lock, request_for()).pins.at(0).wheel->name,
            "a-1-10-cp312-cp312-manylinux_2_17_x86_64.whl");
  EXPECT_EQ(select(lock, request_for("3.14")).pins.at(0).wheel->name,
            "a-1-cp39-abi3-manylinux_2_28_x86_64.whl");
  EXPECT_EQ(select(lock, request_for("3.12", "win_amd64")).pins.at(0).wheel->name, "a-1-py3-none-any.whl");
}

TEST(SelectPylock, TwoOfOneNameRequiresPythonAndEnvironments) {
  const auto package = [](const std::string& version, const std::string& more) {
    return "[[packages]]\nname='a'\nversion='" + version + "'\n" + more + "wheels=[{name='a-" + version +
           "-py3-none-any.whl',hashes={sha256='" + std::string(64, 'a') + "'}}]\n";
  };
  const std::string head = "lock-version='1.0'\ncreated-by='x'\n";
  EXPECT_EQ(outcome(lock_from("pylock.toml", head + package("1", "") + package("2", "")), request_for()),
            "ambiguous: a");
  EXPECT_EQ(
      outcome(lock_from("pylock.toml", head + package("1", "marker=\"os_name=='nt'\"\n") + package("2", "")),
              request_for()),
      "a 2");
  EXPECT_EQ(
      outcome(lock_from("pylock.toml", head + package("1", "requires-python='>=3.13'\n")), request_for()),
      "requires-python: a");
  EXPECT_EQ(outcome(lock_from("pylock.toml", head + "environments=[\"os_name=='nt'\"]\n" + package("1", "")),
                    request_for()),
            "no target: ");
  const Lock groups =
      lock_from("pylock.toml", head + "dependency-groups=['d','e']\ndefault-groups=['d']\nextras=['x']\n" +
                                   package("1", "marker=\"'d' in dependency_groups\"\n") +
                                   package("2", "marker=\"'x' in extras\"\n"));
  SelectionRequest request = request_for();
  EXPECT_EQ(outcome(groups, request), "a 1");
  request.wanted.exact_groups = std::vector<std::string>{};
  EXPECT_EQ(outcome(groups, request), "");
  request.wanted.extras = {"X"};
  EXPECT_EQ(outcome(groups, request), "a 2");
}

TEST(SelectPoetry, GroupMarkersExtrasAndTwoVersionsActive) {
  const auto package = [](const std::string& version, const std::string& more) {
    return "[[package]]\nname='a'\nversion='" + version + "'\n" + more + "files=[{file='a-" + version +
           "-py3-none-any.whl',hash='sha256:" + std::string(64, 'a') + "'}]\n";
  };
  const std::string tail =
      "[extras]\ncpu=['a']\ngpu=['a']\n[metadata]\nlock-version='2.1'\npython-versions='^3.9'\n";
  const Lock lock = lock_from(
      "poetry.lock",
      package("1", "groups=['main']\nmarkers='extra == \"cpu\" and extra != \"gpu\"'\n") +
          package("2",
                  "groups=['main','docs']\nmarkers={main='extra == \"gpu\"',docs='os_name == \"nt\"'}\n") +
          tail);
  SelectionRequest request = request_for();
  EXPECT_EQ(outcome(lock, request), "");
  request.wanted.extras = {"cpu"};
  EXPECT_EQ(outcome(lock, request), "a 1");
  request.wanted.extras = {"cpu", "gpu"};
  EXPECT_EQ(outcome(lock, request), "a 2");
  const Lock both =
      lock_from("poetry.lock", package("1", "groups=['main']\n") + package("2", "groups=['main']\n") + tail);
  EXPECT_EQ(outcome(both, request_for()), "ambiguous: a");
  EXPECT_EQ(outcome(both, request_for("3.8")), "requires-python: ");
}

TEST(SelectPoetry, OldLocksAreWalked) {
  const std::string text =
      "[[package]]\nname='a'\nversion='1'\npython-versions='*'\n[package.dependencies]\n"
      "b={version='^2',optional=true,markers='extra == \"x\"'}\nc='<3'\n[package.extras]\nx=['b (>=2)']\n"
      "[[package]]\nname='b'\nversion='2.5'\n"
      "[[package]]\nname='c'\nversion='2'\n[[package]]\nname='c'\nversion='4'\n"
      "[metadata]\nlock-version='1.1'\npython-versions='^3.8'\n[metadata.files]\n"
      "a=[{file='a-1-py3-none-any.whl'}]\nb=[{file='b-2.5-py3-none-any.whl'}]\nc=[{file='c-2-py3-none-any."
      "whl'},{file='c-4-py3-none-any.whl'}]\n";
  const auto project = [&](const std::string& dependencies) {
    return lock_from("poetry.lock", text,
                     {{"pyproject.toml", "[tool.poetry.dependencies]\npython='^3.8'\n" + dependencies}});
  };
  const auto names = [](const Lock& lock) {
    const auto result = try_select(lock, request_for());
    if (!std::holds_alternative<Selection>(result)) return std::string("problem");
    std::string text_of;
    for (const Pin& pin : std::get<Selection>(result).pins) text_of += pin.name + " " + pin.version + ";";
    return text_of;
  };
  // Files of several versions stand under one name in such locks: only those of the package's version count.
  EXPECT_EQ(names(project("c='*'\n")), "c 4;");
  EXPECT_EQ(names(project("c='*'\na='^1'\n")), "a 1;c 2;");
  EXPECT_EQ(names(project("a={version='^1',extras=['x']}\n")), "a 1;b 2.5;c 2;");
  EXPECT_EQ(names(project("a={version='^1',python='<3.9'}\n")), "");
}

// Locked is what [tool.pdm.resolution] says, and the edges still say what the packages ask for.
TEST(SelectPdm, OverridesAndExcludesInAWalk) {
  const auto lock = [](const std::string& resolution) {
    return lock_from(
        "pdm.lock",
        "[metadata]\ngroups=['default']\nstrategy=[]\nlock_version='4.5.1'\n"
        "[[package]]\nname='a'\nversion='1'\ndependencies=['B>=2', "
        "'c']\nfiles=[{file='a-1-py3-none-any.whl'}]\n"
        "[[package]]\nname='b'\nversion='1.4'\nfiles=[{file='b-1.4-py3-none-any.whl'}]\n",
        {{"pyproject.toml", "[project]\nname='p'\nversion='1'\ndependencies=['a']\n" + resolution}});
  };
  EXPECT_EQ(outcome(lock(""), request_for()), "unsatisfied: b, unsatisfied: c");
  EXPECT_EQ(outcome(lock("[tool.pdm.resolution]\nexcludes=['C']\n[tool.pdm.resolution.overrides]\nb='1.4'\n"),
                    request_for()),
            "a 1, b 1.4");
}

TEST(Select, AnUnknownExtraHidesNoOtherReason) {
  const Lock lock = lock_from(
      "pylock.toml",
      "lock-version='1.0'\nrequires-python='>=3.9'\ncreated-by='x'\n[[packages]]\nname='a'\nversion='1'\n"
      "sdist={url='https://files.example/a-1.tar.gz', hashes={sha256='" +
          std::string(64, 'a') + "'}}\n");
  SelectionRequest request = request_for();
  request.wanted.extras = {"x"};
  request.wanted.groups = {"y"};
  EXPECT_EQ(outcome(lock, request), "extra: , group: , no wheel: a");
  const auto problems = std::get<std::vector<SelectionProblem>>(try_select(lock, request));
  EXPECT_TRUE(selection_error(problems).message().ends_with("a 1 has only a source distribution (line 4)"))
      << selection_error(problems).message();
  request = request_for("3.8");
  request.wanted.extras = {"x"};
  EXPECT_EQ(outcome(lock, request), "requires-python: , extra: ");
}

TEST(Select, AnArchiveWithoutAVersionHasThatOfItsName) {
  const Lock lock = lock_from("pylock.toml",
                              "lock-version='1.0'\ncreated-by='x'\n[[packages]]\nname='a'\n"
                              "archive={url='https://files.example/a-2-py3-none-any.whl', hashes={sha256='" +
                                  std::string(64, 'a') + "'}}\n");
  EXPECT_EQ(outcome(lock, request_for()), "a 2");
}

TEST(SelectPdm, TargetsAndMergedExtras) {
  const auto lock = [](const std::string& target) {
    return lock_from(
        "pdm.lock",
        "[metadata]\ngroups=['default','dev']\nstrategy=['inherit_metadata']\nlock_version='4.5.1'\n[["
        "metadata.targets]]\n"
        "requires_python='>=3.9'\n" +
            target +
            "[[package]]\nname='a'\nversion='1'\ngroups=['default']\nfiles=[{file='a-1-py3-none-any.whl'}]\n"
            "[[package]]\nname='a'\nversion='1'\nextras=['x']\ngroups=['default','dev']\nfiles=[{file='a-1-"
            "py3-none-any.whl'}]\n");
  };
  EXPECT_EQ(outcome(lock(""), request_for()), "a 1");
  EXPECT_EQ(outcome(lock("platform='manylinux_2_40_x86_64'\n"), request_for()), "a 1");
  EXPECT_EQ(outcome(lock("platform='manylinux_2_17_aarch64'\n"), request_for()), "no target: ");
  EXPECT_EQ(outcome(lock("platform='manylinux_2_17_x86_64'\n"), request_for("3.12", "musllinux_1_2_x86_64")),
            "no target: ");
  EXPECT_EQ(outcome(lock("platform='windows_amd64'\n"), request_for("3.12", "win_amd64")), "a 1");
  EXPECT_EQ(outcome(lock("platform='macos_14_0_arm64'\n"), request_for("3.12", "macosx_14_0_arm64")), "a 1");
  EXPECT_EQ(outcome(lock("implementation='pypy'\n"), request_for()), "no target: ");
  EXPECT_EQ(outcome(lock(""), request_for("3.8")), "requires-python: ");
}

TEST(SelectHashes, UnpinnedMissingHashesAndCategories) {
  EXPECT_EQ(outcome(lock_from("requirements.txt", "a>=1\nb==1\n"), request_for()), "unpinned: a");
  EXPECT_EQ(outcome(lock_from("requirements.txt", "a>=1; os_name == 'nt'\nb==1\n"), request_for()), "b 1");
  EXPECT_EQ(outcome(lock_from("requirements.txt", "a==1 --hash=sha256:" + std::string(64, 'a') + "\nb==1\n"),
                    request_for()),
            "unpinned: b");
  EXPECT_EQ(outcome(lock_from("requirements.txt", "a==1\na==2\n"), request_for()), "ambiguous: a");
  EXPECT_EQ(outcome(lock_from("requirements.txt", "a==1\na==1\n"), request_for()), "a 1");
  EXPECT_EQ(
      outcome(lock_from("requirements.txt", "git+https://files.example/r.git\n-e ./p\n"), request_for()),
      "no wheel: r");
  EXPECT_EQ(outcome(lock_from("requirements.txt",
                              "git+https://files.example/r.git@v1#egg=My_R[x]&subdirectory=p\nhg+https://"
                              "files.example/q@2#egg=\n"),
                    request_for()),
            "no wheel: my-r, no wheel: q");
  const Lock pipfile = lock_from("Pipfile.lock", R"({"_meta": {}, "default": {"a": {"version": "==1"}},
      "develop": {"b": {"version": "*"}, "c": {"version": "*", "markers": "os_name == 'nt'"}}})");
  EXPECT_EQ(outcome(pipfile, request_for()), "a 1");
  SelectionRequest request = request_for();
  request.wanted.groups = {"dev-packages"};
  EXPECT_EQ(outcome(pipfile, request), "unpinned: b");
}

TEST(ChooseCandidate, HashPythonTagsAndReasons) {
  Pin pin;
  pin.name = "a";
  pin.version = "1.0";
  pin.hashes = {Hash::parse("sha256:" + std::string(64, 'a'))};
  const auto candidate = [](const std::string& name, char digit) {
    Candidate one;
    one.file_name = name;
    if (digit != ' ') one.hashes = {Hash::parse("sha256:" + std::string(64, digit))};
    return one;
  };
  const SelectionRequest request = request_for();
  std::vector<Candidate> all = {
      candidate("b-1.0-py3-none-any.whl", 'a'), candidate("a-2-py3-none-any.whl", 'a'),
      candidate("a-1-py3-none-any.whl", 'b'), candidate("A-1.0-cp312-abi3-manylinux_2_17_x86_64.whl", 'a'),
      candidate("a-1-py3-none-any.whl", ' ')};
  EXPECT_EQ(choose_candidate(pin, all, request), 3U);
  all[3].requires_python = ">=3.13";
  EXPECT_EQ(choose_candidate(pin, all, request), 4U);
  const auto reason = [&](const std::vector<Candidate>& candidates) {
    try {
      choose_candidate(pin, candidates, request);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::no_match);
      return error.message() + "|" + error.hint();
    }
    return std::string();
  };
  EXPECT_EQ(
      reason({candidate("a-1-cp39-cp39-win32.whl", 'a')}),
      "no wheel: a 1.0 has wheels for cp39-cp39 on win32; the target takes cp312 on manylinux_2_28_x86_64|");
  EXPECT_EQ(reason({candidate("a-1.tar.gz", 'a')}),
            "no wheel: a 1.0 has only a source distribution|build the wheel first, then --find-links");
  EXPECT_EQ(reason({}), "no wheel: a 1.0 was found nowhere|");
  EXPECT_EQ(reason({all[2]}), "no wheel: a 1.0: no wheel that is offered has a hash of the lock|");
}

// spec: PEP 440 "Version matching": "==1.0" admits any local label of 1.0, "===1.0" none.
TEST(ChooseCandidate, LocalLabels) {
  const auto chosen = [](const std::string& requirement, const std::vector<Candidate>& candidates) {
    const Selection selection = select(lock_from("requirements.txt", requirement + "\n"), request_for());
    try {
      return candidates[choose_candidate(selection.pins.at(0), candidates, request_for())].file_name;
    } catch (const Error& error) {
      return std::string(to_string(error.code()));
    }
  };
  const auto candidate = [](const std::string& version, char digit = ' ') {
    Candidate one;
    one.file_name = "a-" + version + "-py3-none-any.whl";
    if (digit != ' ') one.hashes = {Hash::parse("sha256:" + std::string(64, digit))};
    return one;
  };
  const std::vector<Candidate> both = {candidate("1.0+cpu", 'c'), candidate("1.0", 'b'),
                                       candidate("1.0+abc", 'd')};
  const std::string with_hash = "a==1.0 --hash=sha256:";
  EXPECT_EQ(chosen("a==1.0", both), both[0].file_name);
  EXPECT_EQ(chosen("a==1", both), both[0].file_name);
  EXPECT_EQ(chosen("a===1.0", both), both[1].file_name);
  EXPECT_EQ(chosen("a==1.0+abc", both), both[2].file_name);
  EXPECT_EQ(chosen("a===1.0", {both[0]}), "no_match");
  EXPECT_EQ(chosen("a==1.1", both), "no_match");
  EXPECT_EQ(chosen(with_hash + std::string(64, 'b'), both), both[1].file_name);
  EXPECT_EQ(chosen(with_hash + std::string(64, 'd'), both), both[2].file_name);
  EXPECT_EQ(chosen(with_hash + std::string(64, 'e'), both), "no_match");
  // A directory tells no hashes.
  EXPECT_EQ(chosen(with_hash + std::string(64, 'b'), {candidate("1.0+cpu"), candidate("1.0")}),
            both[1].file_name);
  EXPECT_EQ(chosen(with_hash + std::string(64, 'b'), {candidate("1.0+cpu"), candidate("1.0", 'b')}),
            both[1].file_name);
  EXPECT_EQ(chosen(with_hash + std::string(64, 'b'), {candidate("1.0+cpu")}), both[0].file_name);
}

TEST(ChooseCandidate, WhatTheIndexSaysIsMalformed) {
  Pin pin;
  pin.name = "a";
  pin.version = "1";
  Candidate bad;
  bad.file_name = "a-1-cp312-cp312-manylinux_2_17_x86_64.whl";
  bad.fault = "has no url";
  Candidate good;
  good.file_name = "a-1-py3-none-any.whl";
  EXPECT_THROW(choose_candidate(pin, std::vector<Candidate>{good, bad}, request_for()), Error);
  bad.file_name = "a-1-cp311-cp311-manylinux_2_17_x86_64.whl";
  EXPECT_EQ(choose_candidate(pin, std::vector<Candidate>{bad, good}, request_for()), 1U);
}

TEST(DirectUrl, HidesSecretsAndQuotesPaths) {
  DirectUrl direct;
  direct.url = "https://me:secret@files.example/a@b.whl";
  direct.hashes = {Hash::parse("sha256:" + std::string(64, 'a'))};
  EXPECT_EQ(render_direct_url(direct), "{\"archive_info\": {\"hashes\": {\"sha256\": \"" +
                                           std::string(64, 'a') +
                                           "\"}}, \"url\": \"https://files.example/a@b.whl\"}");
  direct.url = "https://${USER}:${PASS}@files.example/a.whl";
  direct.hashes.clear();
  EXPECT_EQ(render_direct_url(direct),
            "{\"archive_info\": {}, \"url\": \"https://${USER}:${PASS}@files.example/a.whl\"}");
  direct.url.clear();
  EXPECT_EQ(render_direct_url(direct, "/a b/x.whl"),
            "{\"archive_info\": {}, \"url\": \"file:///a%20b/x.whl\"}");
}

TEST(TargetEnvironment, IsWhatTheInterpreterReports) {
  const auto value = [](const std::string& platform, const char* name) {
    TagTarget target;
    target.platform = platform;
    return target_environment(target).variables.at(name);
  };
  EXPECT_EQ(value("manylinux2014_aarch64", "platform_machine"), "aarch64");
  EXPECT_EQ(value("musllinux_1_2_x86_64", "sys_platform"), "linux");
  EXPECT_EQ(value("macosx_14_0_arm64", "platform_machine"), "arm64");
  EXPECT_EQ(value("macosx_14_0_arm64", "platform_system"), "Darwin");
  EXPECT_EQ(value("win_amd64", "platform_machine"), "AMD64");
  EXPECT_EQ(value("win32", "platform_machine"), "x86");
  EXPECT_EQ(value("win_arm64", "os_name"), "nt");
  EXPECT_EQ(value("linux_x86_64", "python_full_version"), "3.12.0");
  EXPECT_THROW(value("plan9_x86_64", "os_name"), Error);
}

}  // namespace
}  // namespace axle
