#include <gtest/gtest.h>

#include <algorithm>

#include "axle/plan/diff.h"
#include "axle/plan/plan.h"
#include "axle/wheel/facts_builder.h"

namespace axle {
namespace {

const std::string site = "lib/python3.12/site-packages/";

FactsBuilder wheel(const std::string& name) {
  FactsBuilder builder;
  builder.name(name).version("1.0").file(Scheme::purelib, name + "-1.0.dist-info/METADATA", "Name: x\n");
  return builder;
}

Plan pruned(std::vector<WheelFacts> wheels, const PruneRules& rules) {
  PlanInput input;
  input.interpreter = foreign_interpreter({"3.12.4", "manylinux_2_28_x86_64", "/usr/bin/python3.12"});
  input.layout = venv_layout(input.interpreter, "/env");
  for (WheelFacts& facts : wheels) input.wheels.push_back({std::move(facts), false, std::nullopt, true});
  input.script_interpreter = "/env/bin/python";
  input.policy.prune = rules;
  return make_plan(input);
}

// Every file that the plan lays, trees opened.
std::vector<std::string> files_of(const Plan& plan) {
  std::vector<std::string> files;
  std::vector<Entry> work = plan.entries;
  while (!work.empty()) {
    const Entry entry = work.back();
    work.pop_back();
    if (std::holds_alternative<StoreTree>(entry.content)) {
      for (Entry& child : expand_tree(plan, entry)) work.push_back(std::move(child));
    } else {
      files.push_back(entry.path.str());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

bool has(const std::vector<std::string>& files, const std::string& path) {
  return std::find(files.begin(), files.end(), path) != files.end();
}

// RECORD lists exactly what is there.
void expect_true_records(const Plan& plan) {
  const std::vector<std::string> files = files_of(plan);
  for (DistId id = 0; id < plan.dists.size(); ++id) {
    const std::string record = render_record(plan, id, {});
    for (std::size_t start = 0; start < record.size();) {
      const std::size_t comma = record.find(',', start);
      const std::string path = site + record.substr(start, comma - start);
      EXPECT_TRUE(has(files, path) || path.find("../") != std::string::npos) << path;
      start = record.find('\n', start) + 1;
    }
  }
}

TEST(Prune, LeavesOutWhatAClassNames) {
  FactsBuilder demo = wheel("demo");
  for (const char* path : {"demo/__init__.py", "demo/core.py", "demo/core.pyi", "demo/include/demo.h",
                           "demo/tests/__init__.py", "demo/tests/test_core.py", "demo/py.typed",
                           "demo/__pycache__/core.cpython-312.pyc", "demo/only.pyc"}) {
    demo.file(Scheme::purelib, path, path);
  }
  demo.file(Scheme::headers, "demo.h", "int x;");
  const Plan plan =
      pruned({demo.build()},
             {{PruneClass::tests, PruneClass::stubs, PruneClass::headers, PruneClass::byte_code}, {}, {}});
  const std::vector<std::string> files = files_of(plan);
  for (const char* path : {"demo/__init__.py", "demo/core.py", "demo/py.typed", "demo/only.pyc"}) {
    EXPECT_TRUE(has(files, site + path)) << path;
  }
  for (const char* path : {"demo/core.pyi", "demo/include/demo.h", "demo/tests/__init__.py",
                           "demo/tests/test_core.py", "demo/__pycache__/core.cpython-312.pyc"}) {
    EXPECT_FALSE(has(files, site + path)) << path;
  }
  EXPECT_TRUE(std::none_of(files.begin(), files.end(),
                           [](const std::string& path) { return path.ends_with("demo.h"); }));
  EXPECT_EQ(plan.dists[0].lost_files.size(), 6U);
  expect_true_records(plan);
}

TEST(Prune, NeverTakesWhatImportRootsAndEntryPointsNeed) {
  FactsBuilder tests = wheel("tests");
  tests.file(Scheme::purelib, "tests/__init__.py", "").file(Scheme::purelib, "tests/test_x.py", "x = 1\n");
  FactsBuilder app = wheel("app");
  app.file(Scheme::purelib, "app/__init__.py", "a")
      .file(Scheme::purelib, "app/test/__init__.py", "b")
      .file(Scheme::purelib, "app/test/run.py", "c")
      .file(Scheme::purelib, "app/test/other.py", "d")
      .file(Scheme::purelib, "single.py", "e")
      .file(Scheme::purelib, "hook.pth", "# nothing\n")
      .entry_point("console_scripts", "app", "app.test.run:main");
  const Plan plan = pruned({tests.build(), app.build()}, {{PruneClass::tests}, {"**"}, {}});
  const std::vector<std::string> files = files_of(plan);
  for (const char* path : {"tests/__init__.py", "app/__init__.py", "app/test/__init__.py", "app/test/run.py",
                           "single.py", "hook.pth", "app-1.0.dist-info/METADATA"}) {
    EXPECT_TRUE(has(files, site + path)) << path;
  }
  EXPECT_FALSE(has(files, site + "app/test/other.py"));
  expect_true_records(plan);
}

TEST(Prune, KeepsWhatAnExclamationMarkNames) {
  FactsBuilder demo = wheel("demo");
  demo.file(Scheme::purelib, "demo/data/a.bin", "a").file(Scheme::purelib, "demo/data/b.bin", "b");
  const Plan plan = pruned({demo.build()}, {{}, {"demo/data/*"}, {"demo/data/b.*"}});
  const std::vector<std::string> files = files_of(plan);
  EXPECT_FALSE(has(files, site + "demo/data/a.bin"));
  EXPECT_TRUE(has(files, site + "demo/data/b.bin"));
}

TEST(Prune, TakesASharedFileFromAllWhoBringIt) {
  FactsBuilder a = wheel("a");
  FactsBuilder b = wheel("b");
  for (FactsBuilder* one : {&a, &b}) one->file(Scheme::purelib, "shared/same.h", "same");
  a.file(Scheme::purelib, "shared/a.py", "a");
  b.file(Scheme::purelib, "shared/b.py", "b");
  const Plan plan = pruned({a.build(), b.build()}, {{PruneClass::headers}, {}, {}});
  EXPECT_FALSE(has(files_of(plan), site + "shared/same.h"));
  EXPECT_EQ(plan.dists[0].lost_files.size(), 1U);
  EXPECT_EQ(plan.dists[1].lost_files.size(), 1U);
  expect_true_records(plan);
}

TEST(Prune, LeavesTreesWholeThatLoseNothing) {
  FactsBuilder demo = wheel("demo");
  demo.file(Scheme::purelib, "demo/__init__.py", "").file(Scheme::purelib, "other/x.pyi", "");
  const Plan plan = pruned({demo.build()}, {{PruneClass::stubs}, {}, {}});
  EXPECT_TRUE(std::any_of(plan.entries.begin(), plan.entries.end(), [](const Entry& entry) {
    return entry.path.str() == site + "demo" && std::holds_alternative<StoreTree>(entry.content);
  }));
}

}  // namespace
}  // namespace axle
