#include "plan/startup_code.h"

#include <gtest/gtest.h>

namespace axle {
namespace {

using Lines = std::vector<std::string>;

Lines code(std::string_view text, PythonMinor python, StartupRules::Stem stem = StartupRules::Stem::alone) {
  return startup_code("demo.pth", text, {python, stem});
}

TEST(StartupCode, LinesRunAsThePythonOfTheEnvironmentReadsThem) {
  const std::string text = "# import no\nimport a\n  import b\npath\nimport\tc\nimported\n";
  EXPECT_EQ(code(text, {3, 14}), (Lines{"import a", "import\tc"}));
  EXPECT_EQ(code(text, {3, 15}), (Lines{"import a", "  import b", "import\tc"}))
      << "lines are stripped first";
  EXPECT_EQ(code(text, {}), (Lines{"import a", "  import b", "import\tc"}))
      << "whatever any Python would run";
  EXPECT_EQ(code(text, {3, 18}), Lines{}) << "import lines are passed over";
}

TEST(StartupCode, AStartFileTakesThePlaceOfImportLines) {
  const auto stem = StartupRules::Stem::with_start;
  EXPECT_EQ(code("import a\n", {3, 14}, stem), Lines{"import a"});
  EXPECT_EQ(code("import a\n", {3, 15}, stem), Lines{});
  EXPECT_EQ(startup_code("demo.start", "# no\n\n demo:main \n", {{3, 15}, stem}), Lines{"demo:main"});
  EXPECT_EQ(startup_code("demo.start", "demo:main\n", {{3, 11}, stem}), Lines{"demo:main"});
}

TEST(StartupCode, WellKnownLinesAreKnownByTheirText) {
  const std::string shim =
      "import os; var = 'SETUPTOOLS_USE_DISTUTILS'; enabled = os.environ.get(var, 'local') == 'local'; "
      "enabled "
      "and __import__('_distutils_hack').add_shim(); ";
  EXPECT_EQ(known_startup_code({shim}), "setuptools' distutils shim");
  EXPECT_EQ(
      known_startup_code({"import __editable___demo_1_0_finder; __editable___demo_1_0_finder.install()"}),
      "an editable install's finder");
  EXPECT_EQ(known_startup_code({"import coverage; coverage.process_startup()"}),
            "coverage's subprocess measurement");
  const std::string level =
      "import sys, types, os;has_mfs = sys.version_info > (3, 5);p = "
      "os.path.join(sys._getframe(1).f_locals['sitedir'], *('google', 'cloud'));importlib = has_mfs and "
      "__import__('importlib.util');has_mfs and __import__('importlib.machinery');m = has_mfs and "
      "sys.modules.setdefault('google.cloud', "
      "importlib.util.module_from_spec(importlib.machinery.PathFinder.find_spec('google.cloud', "
      "[os.path.dirname(p)])));m = m or sys.modules.setdefault('google.cloud', "
      "types.ModuleType('google.cloud'));mp = (m or []) and m.__dict__.setdefault('__path__',[]);(p not in "
      "mp) "
      "and mp.append(p);m and setattr(sys.modules['google'], 'cloud', m)";
  EXPECT_EQ(known_startup_code({level, level}), "a legacy namespace package");
}

TEST(StartupCode, WhatOnlyLooksKnownIsNot) {
  for (const char* line :
       {"import os; os.system('x'); __import__('_distutils_hack')",
        "import coverage; coverage.process_startup(); x()",
        "import __editable___a, evil; __editable___a.install()", "import evil; '__editable__'",
        "import _virtualenv, evil", "import _a, evil, _b_editable_loader", "import _a.b_editable_loader"}) {
    EXPECT_EQ(known_startup_code({line}), "") << line;
  }
  EXPECT_EQ(known_startup_code({"import _virtualenv", "import evil"}), "") << "every line counts";
}

}  // namespace
}  // namespace axle
