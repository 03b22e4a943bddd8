#include "axle/plan/plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "axle/base/error.h"
#include "axle/wheel/facts_builder.h"
#include "axle/wheel/record.h"

namespace axle {
namespace {

Interpreter linux_python() {
  return foreign_interpreter({"3.12.4", "manylinux_2_28_x86_64", "/usr/bin/python3.12"});
}

PlanInput input_for(std::vector<WheelFacts> wheels) {
  PlanInput input;
  input.interpreter = linux_python();
  input.layout = venv_layout(input.interpreter, "/env");
  for (WheelFacts& facts : wheels) input.wheels.push_back({std::move(facts), false, std::nullopt, true});
  input.script_interpreter = "/env/bin/python";
  return input;
}

FactsBuilder wheel(std::string_view name, std::string_view version = "1.0") {
  FactsBuilder builder;
  builder.name(name).version(version);
  const std::string info = std::string(name) + "-" + std::string(version) + ".dist-info/";
  builder.file(Scheme::purelib, info + "METADATA", "Name: " + std::string(name) + "\n");
  return builder;
}

const Entry* find(const Plan& plan, std::string_view path) {
  const auto found = std::find_if(plan.entries.begin(), plan.entries.end(),
                                  [&](const Entry& entry) { return entry.path.str() == path; });
  return found == plan.entries.end() ? nullptr : &*found;
}

const std::string site = "lib/python3.12/site-packages/";

TEST(MakePlan, KeepsADirectoryWithOneOwnerAsOneEntry) {
  FactsBuilder builder = wheel("demo");
  for (int i = 0; i < 100; ++i)
    builder.file(Scheme::purelib, "demo/sub/m" + std::to_string(i) + ".py", "x = 1\n");
  const Plan plan = make_plan(input_for({builder.build()}));
  ASSERT_NE(find(plan, site + "demo"), nullptr);
  EXPECT_TRUE(std::holds_alternative<StoreTree>(find(plan, site + "demo")->content));
  EXPECT_LT(plan.entries.size(), 10U);
}

TEST(MakePlan, SplitsADirectoryExactlyWhereOwnersMeet) {
  FactsBuilder a = wheel("a");
  a.file(Scheme::purelib, "google/cloud/a/__init__.py", "a = 1\n")
      .file(Scheme::purelib, "google/only_a/x.py", "");
  FactsBuilder b = wheel("b");
  b.file(Scheme::purelib, "google/cloud/b/__init__.py", "b = 1\n");
  const Plan plan = make_plan(input_for({a.build(), b.build()}));
  EXPECT_EQ(find(plan, site + "google"), nullptr);
  EXPECT_TRUE(std::holds_alternative<StoreTree>(find(plan, site + "google/cloud/a")->content));
  EXPECT_TRUE(std::holds_alternative<StoreTree>(find(plan, site + "google/cloud/b")->content));
  EXPECT_TRUE(std::holds_alternative<StoreTree>(find(plan, site + "google/only_a")->content));
  EXPECT_TRUE(plan.conflicts.empty());
}

TEST(MakePlan, TakesEqualBytesAsOneFileOfBoth) {
  FactsBuilder a = wheel("a");
  a.file(Scheme::purelib, "shared/LICENSE", "same");
  FactsBuilder b = wheel("b");
  b.file(Scheme::purelib, "shared/LICENSE", "same");
  const Plan plan = make_plan(input_for({a.build(), b.build()}));
  EXPECT_TRUE(plan.conflicts.empty());
  const Entry* entry = find(plan, site + "shared/LICENSE");
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(entry->sharers.size(), 1U);
  for (const DistId dist : {0U, 1U}) {
    EXPECT_NE(render_record(plan, dist, {}).find("shared/LICENSE,"), std::string::npos) << dist;
  }
}

TEST(MakePlan, ReportsAllConflictsAtOnceWithOwnersAndDigests) {
  FactsBuilder a = wheel("a");
  a.file(Scheme::purelib, "x/one.py", "1")
      .file(Scheme::purelib, "x/two.py", "1")
      .file(Scheme::purelib, "y", "file");
  FactsBuilder b = wheel("b");
  b.file(Scheme::purelib, "x/one.py", "2")
      .file(Scheme::purelib, "x/two.py", "2")
      .file(Scheme::purelib, "y/z.py", "");
  const Plan plan = make_plan(input_for({a.build(), b.build()}));
  ASSERT_EQ(plan.conflicts.size(), 3U);
  EXPECT_EQ(plan.conflicts[0].path.str(), site + "x/one.py");
  EXPECT_EQ(plan.conflicts[0].claimants[1].distribution, "b");
  EXPECT_EQ(plan.conflicts[0].claimants[1].sha256, Sha256::of("2").hex());
  EXPECT_EQ(plan.conflicts[2].kind, "file-against-directory");
  try {
    require_no_conflicts(plan);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::conflict);
    EXPECT_EQ(error.place().file, plan.conflicts[0].path.str());
    for (const Conflict& other : {plan.conflicts[1], plan.conflicts[2]})
      EXPECT_NE(error.message().find("; " + other.path.str() + ": "), std::string::npos);
    EXPECT_EQ(error.message().find('\n'), std::string::npos);
  }
}

TEST(MakePlan, LetsPoliciesAndRulesDecide) {
  FactsBuilder a = wheel("a");
  a.file(Scheme::purelib, "tests/t.py", "1").file(Scheme::purelib, "x/m.py", "1");
  FactsBuilder b = wheel("b");
  b.file(Scheme::purelib, "tests/t.py", "2").file(Scheme::purelib, "x/m.py", "2");
  PlanInput input = input_for({a.build(), b.build()});
  input.policy.on_conflict = ConflictPolicy::last;
  input.policy.conflict_rules.push_back({"tests/**", ConflictPolicy::first});
  const Plan plan = make_plan(input);
  EXPECT_EQ(find(plan, site + "tests/t.py")->owner, 0U);
  EXPECT_EQ(find(plan, site + "x/m.py")->owner, 1U);
  EXPECT_NO_THROW(require_no_conflicts(plan));
  EXPECT_EQ(render_record(plan, 1, {}).find("tests/t.py"), std::string::npos) << "the loser does not list it";
  EXPECT_NE(render_record(plan, 0, {}).find("tests/t.py"), std::string::npos);
}

TEST(MakePlan, JudgesStubsByTheirMeaning) {
  FactsBuilder a = wheel("a");
  a.file(Scheme::purelib, "ns/__init__.py",
         "# a comment\n__path__ = __import__('pkgutil').extend_path(__path__, __name__)\n");
  a.file(Scheme::purelib, "ns/a.py", "");
  FactsBuilder b = wheel("b");
  b.file(Scheme::purelib, "ns/__init__.py",
         "__path__ = __import__(\"pkgutil\").extend_path(__path__, __name__)\n");
  b.file(Scheme::purelib, "ns/b.py", "");
  const Plan plan = make_plan(input_for({a.build(), b.build()}));
  EXPECT_TRUE(plan.conflicts.empty());
  EXPECT_TRUE(std::any_of(plan.notes.begin(), plan.notes.end(),
                          [](const Diagnostic& note) { return note.kind == "equivalent-stub"; }));
}

TEST(MakePlan, SaysWhoHidesWhom) {
  FactsBuilder a = wheel("a");
  a.file(Scheme::purelib, "ns/__init__.py", "x = 1\n");
  FactsBuilder b = wheel("b");
  b.file(Scheme::purelib, "ns/b.py", "");
  const Plan plan = make_plan(input_for({a.build(), b.build()}));
  const auto note = std::find_if(plan.notes.begin(), plan.notes.end(),
                                 [](const Diagnostic& one) { return one.kind == "namespace-mixed"; });
  ASSERT_NE(note, plan.notes.end());
  EXPECT_EQ(note->distribution, "a");
}

TEST(MakePlan, SaysWhichOfAModuleAndAPackageIsHidden) {
  FactsBuilder module = wheel("module");
  module.file(Scheme::purelib, "thing.py", "x = 1\n").file(Scheme::purelib, "loose.py", "");
  FactsBuilder package = wheel("package");
  package.file(Scheme::purelib, "thing/__init__.py", "").file(Scheme::purelib, "loose/part.py", "");
  const Plan plan = make_plan(input_for({module.build(), package.build()}));
  EXPECT_TRUE(plan.conflicts.empty());
  std::map<std::string, std::string> hidden;
  for (const Diagnostic& note : plan.notes) {
    if (note.kind == "module-hidden") hidden[note.path] = note.message;
  }
  EXPECT_EQ(hidden, (std::map<std::string, std::string>{
                        {site + "thing.py", "of module is hidden by the package thing of package"},
                        {site + "loose.py", "of module hides the namespace package loose of package"}}));
}

TEST(MakePlan, RefusesToReachIntoAnothersDistInfo) {
  FactsBuilder a = wheel("a");
  FactsBuilder b = wheel("b");
  b.file(Scheme::data, site + "a-1.0.dist-info/evil", "x");
  const Plan plan = make_plan(input_for({a.build(), b.build()}));
  ASSERT_FALSE(plan.conflicts.empty());
  EXPECT_EQ(plan.conflicts[0].kind, "foreign-dist-info");
}

TEST(MakePlan, TakesLib64AsLib) {
  FactsBuilder a = wheel("a");
  a.file(Scheme::purelib, "m.py", "1");
  FactsBuilder b = wheel("b");
  b.file(Scheme::data, "lib64/python3.12/site-packages/m.py", "2");
  const Plan plan = make_plan(input_for({a.build(), b.build()}));
  ASSERT_EQ(plan.conflicts.size(), 1U);
  EXPECT_EQ(plan.conflicts[0].path.str(), site + "m.py");
}

TEST(MakePlan, FindsNamesThatDifferOnlyInCaseWhereThatMatters) {
  FactsBuilder a = wheel("a");
  a.file(Scheme::purelib, "Mod/x.py", "1");
  FactsBuilder b = wheel("b");
  b.file(Scheme::purelib, "mod/y.py", "2");
  PlanInput input = input_for({a.build(), b.build()});
  EXPECT_TRUE(make_plan(input).conflicts.empty());
  input.interpreter = foreign_interpreter({"3.12", "macosx_14_0_arm64", ""});
  input.layout = venv_layout(input.interpreter, "/env");
  const Plan plan = make_plan(input);
  ASSERT_EQ(plan.conflicts.size(), 1U);
  EXPECT_EQ(plan.conflicts[0].kind, "case-only");
}

TEST(MakePlan, WritesLaunchersAndLetsThemWinOverScriptsOfTheirName) {
  FactsBuilder a = wheel("a");
  a.file(Scheme::purelib, "a.py", "def main(): pass\n").entry_point("console_scripts", "tool", "a:main");
  a.file(Scheme::scripts, "tool", "#!python\nprint(1)\n", file_flag::script_python);
  const Plan plan = make_plan(input_for({a.build()}));
  const Entry* tool = find(plan, "bin/tool");
  ASSERT_NE(tool, nullptr);
  ASSERT_TRUE(std::holds_alternative<Generated>(tool->content));
  EXPECT_TRUE(tool->executable);
  EXPECT_TRUE(std::get<Generated>(tool->content).bytes.starts_with("#!/env/bin/python\n"));
  EXPECT_TRUE(plan.conflicts.empty());
}

TEST(MakePlan, LinksOnlyWhatMayBeLinked) {
  FactsBuilder a = wheel("a");
  a.file(Scheme::purelib, "pkg/__init__.py", "x = 1\n")
      .file(Scheme::scripts, "prog",
            "\x7f"
            "ELF");
  PlanInput input = input_for({a.build()});
  input.policy.link_mode = LinkMode::symlink;
  const Plan plan = make_plan(input);
  EXPECT_EQ(find(plan, site + "pkg")->lay, Lay::link);
  EXPECT_EQ(find(plan, "bin/prog")->lay, Lay::file);
  EXPECT_EQ(find(plan, site + "a-1.0.dist-info/RECORD")->lay, Lay::file);
}

TEST(MakePlan, DeniesStartupHooks) {
  FactsBuilder a = wheel("a");
  a.file(Scheme::purelib, "a.pth", "import a_hook\n").startup_text("import a_hook\n");
  PlanInput input = input_for({a.build()});
  EXPECT_NO_THROW(require_no_conflicts(make_plan(input)));
  input.policy.hooks = HookPolicy::deny;
  EXPECT_THROW(require_no_conflicts(make_plan(input)), Error);
  input.layout = target_layout(input.interpreter, "/target");
  EXPECT_THROW(require_no_conflicts(make_plan(input)), Error) << "also where it is not read";
  input.policy.allowed_hooks.insert("a");
  EXPECT_NO_THROW(require_no_conflicts(make_plan(input)));
}

TEST(MakePlan, FindsNamesThatDifferInCaseWhereTheyAreOne) {
  FactsBuilder a = wheel("a");
  a.file(Scheme::purelib, "Pkg/one.py", "1");
  FactsBuilder b = wheel("b");
  b.file(Scheme::purelib, "pkg/two.py", "2");
  PlanInput input = input_for({a.build(), b.build()});
  EXPECT_TRUE(make_plan(input).conflicts.empty());
  input.policy.names = Names::folded;
  const Plan plan = make_plan(input);
  ASSERT_EQ(plan.conflicts.size(), 1U);
  EXPECT_EQ(plan.conflicts[0].kind, "case-only");
}

// The plan is a function of the set of wheels: their order decides nothing without the policies first and
// last.
TEST(MakePlan, DoesNotDependOnTheOrderOfWheels) {
  std::vector<WheelFacts> wheels;
  for (int i = 0; i < 6; ++i) {
    FactsBuilder builder = wheel("d" + std::to_string(i));
    builder.file(Scheme::purelib, "ns/deep/m" + std::to_string(i) + ".py", "x")
        .file(Scheme::purelib, "ns/shared.txt", "same")
        .file(Scheme::data, "share/doc/d" + std::to_string(i) + "/x", "y");
    wheels.push_back(builder.build());
  }
  const Plan first = make_plan(input_for(wheels));
  std::sort(wheels.begin(), wheels.end(), [](const auto& a, const auto& b) { return a.name() < b.name(); });
  for (int round = 0; round < 20; ++round) {
    std::next_permutation(wheels.begin(), wheels.end(),
                          [](const auto& a, const auto& b) { return a.name() < b.name(); });
    const Plan plan = make_plan(input_for(wheels));
    ASSERT_EQ(plan.entries.size(), first.entries.size());
    for (std::size_t i = 0; i < plan.entries.size(); ++i) {
      EXPECT_EQ(plan.entries[i].path, first.entries[i].path);
      EXPECT_EQ(plan.entries[i].identity, first.entries[i].identity) << plan.entries[i].path.str();
    }
  }
}

TEST(RenderRecord, ListsEveryFileOnceAndItselfWithoutDigest) {
  FactsBuilder a = wheel("a");
  a.file(Scheme::purelib, "pkg/__init__.py", "x = 1\n")
      .file(Scheme::data, "share/a/readme, with comma", "hello")
      .entry_point("console_scripts", "tool", "pkg:main");
  const Plan plan = make_plan(input_for({a.build()}));
  const std::string record =
      render_record(plan, 0, std::vector<std::optional<WrittenFile>>(plan.entries.size()));
  EXPECT_NE(record.find("pkg/__init__.py,sha256=" + Sha256::of("x = 1\n").base64url() + ",6\n"),
            std::string::npos);
  EXPECT_NE(record.find("\"../../../share/a/readme, with comma\",sha256="), std::string::npos);
  EXPECT_NE(record.find("../../../bin/tool,sha256="), std::string::npos);
  EXPECT_NE(record.find("a-1.0.dist-info/INSTALLER,sha256="), std::string::npos);
  EXPECT_NE(record.find("\na-1.0.dist-info/RECORD,,\n"), std::string::npos);
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < record.size(); at = record.find('\n', at) + 1) {
    lines.push_back(record.substr(at, record.find('\n', at) - at));
  }
  std::sort(lines.begin(), lines.end());
  EXPECT_EQ(std::adjacent_find(lines.begin(), lines.end()), lines.end());
  EXPECT_EQ(lines.size(), 6U);
}

TEST(RenderRecord, SortsRowsByTheBytesOfTheirPaths) {
  // Files that sort before "../" and around the dist-info, quoted ones too, for a part that is taken whole
  // and for rows that are made one by one (a file of `b` is lost to `z`).
  const auto make = [](std::string_view name) {
    FactsBuilder builder = wheel(name);
    for (const char* path :
         {"$first.py", "!, \"quoted\".py", "A.py", "a-1.0.dist-info-x.py", "a/m.py", "a.py",
          "a-1.0.dist-info/WHEEL", "a-1.0.dist-info/licenses/L", "zz, \"last\".py", "\xc3\xa9.py"}) {
      builder.file(Scheme::purelib, std::string(name) == "a" ? path : std::string(name) + path, name);
    }
    builder.file(Scheme::data, "share/" + std::string(name) + "/d, e", "data")
        .file(Scheme::purelib, "common.py", name)
        .entry_point("console_scripts", "tool-" + std::string(name), "a:main");
    return builder;
  };
  PlanInput input = input_for({make("a").build(), make("b").build()});
  input.policy.on_conflict = ConflictPolicy::first;
  const Plan plan = make_plan(input);
  for (const DistId dist : {0U, 1U}) {
    const std::vector<RecordRow> rows = parse_record(
        render_record(plan, dist, std::vector<std::optional<WrittenFile>>(plan.entries.size())), "RECORD");
    EXPECT_GE(rows.size(), 15U);
    EXPECT_TRUE(std::is_sorted(rows.begin(), rows.end(), [](const RecordRow& a, const RecordRow& b) {
      return a.path < b.path;
    })) << dist;
    EXPECT_EQ(std::count_if(rows.begin(), rows.end(), [](const RecordRow& row) { return !row.size; }), 1);
  }
}

}  // namespace
}  // namespace axle
