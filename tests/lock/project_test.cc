// What a pyproject.toml says without a build, and which projects are refused.

#include "axle/lock/project.h"

#include "lock_text.h"

namespace axle {
namespace {

// A path that ends in '/' is a directory.
ProjectContext context_of(const Files& files) {
  ProjectContext context;
  context.directory = "p";
  context.read_file = [&files](const std::string& path) -> std::optional<std::string> {
    const auto found = files.find(path);
    return found == files.end() ? std::nullopt : std::optional(found->second);
  };
  context.look = [&files](const std::string& path) {
    if (files.contains(path)) return PathKind::file;
    return files.contains(path + "/") ? PathKind::directory : PathKind::none;
  };
  return context;
}

const std::string head = "[project]\nname = 'My.Project'\nversion = '1.0-1'\n";

std::string backend(const std::string& module) {
  return "[build-system]\nrequires = []\nbuild-backend = '" + module + "'\n";
}

std::vector<std::string> directories(const std::string& text, Files files) {
  files["p/pyproject.toml"] = head + text;
  return parse_project(context_of(files)).directories;
}

std::string refusal(const std::string& text, Files files = {{"p/my_project/", ""}}) {
  files["p/pyproject.toml"] = text;
  try {
    parse_project(context_of(files));
  } catch (const Error& error) {
    return std::string(to_string(error.code())) + " " + error.what();
  }
  return "no error";
}

using Paths = std::vector<std::string>;

TEST(Project, MetadataComesFromTheProjectTable) {
  const Files files{
      {"p/my_project/", ""},
      {"p/pyproject.toml",
       head + "description = \"two\\nlines\"\nlicense = 'MIT'\nrequires-python = '>=3.8'\n"
              "authors = [{name = 'A', email = 'a@b.example'}, {name = 'B'}]\nkeywords = ['x', 'y']\n"
              "dependencies = ['other [b,a] >= 1']\n"
              "[project.optional-dependencies]\nMore_x = [\"c; os_name == 'nt' or os_name == 'x'\", 'd']\n"
              "[project.scripts]\nrun = 'my_project:main'\n[project.entry-points.'a.b']\nc = 'd'\n"}};
  const ProjectFacts facts = parse_project(context_of(files));
  EXPECT_EQ(facts.name, "My.Project");
  EXPECT_EQ(facts.version, "1.0.post1");
  EXPECT_EQ(facts.metadata,
            "Metadata-Version: 2.4\nName: My.Project\nVersion: 1.0.post1\nSummary: two lines\n"
            "Author-email: A <a@b.example>\nAuthor: B\nLicense-Expression: MIT\nKeywords: x,y\n"
            "Requires-Python: >=3.8\nRequires-Dist: other[a,b]>=1\nProvides-Extra: more-x\n"
            "Requires-Dist: c; (os_name == \"nt\" or os_name == \"x\") and extra == \"more-x\"\n"
            "Requires-Dist: d; extra == \"more-x\"\n");
  EXPECT_EQ(facts.entry_points, "[console_scripts]\nrun = my_project:main\n\n[a.b]\nc = d\n\n");
}

TEST(Project, ModulesAreWhereTheBackendLooksForThem) {
  const Files flat{{"p/my_project/", ""}};
  const Files src{{"p/src/", ""}, {"p/src/my_project/", ""}, {"p/my_project/", ""}};
  EXPECT_EQ(directories("", flat), Paths{""});
  EXPECT_EQ(directories("", src), Paths{"src"});
  EXPECT_EQ(directories("", {{"p/my_project.py", ""}}), Paths{""});
  EXPECT_EQ(directories(backend("hatchling.build"), {{"p/my/project/", ""}}), Paths{""});
  EXPECT_EQ(directories("[tool.setuptools.packages.find]\nwhere = ['lib', './py/']\n",
                        {{"p/lib/", ""}, {"p/py/", ""}}),
            (Paths{"lib", "py"}));
  EXPECT_EQ(directories("[tool.setuptools.package-dir]\n'' = 'lib'\n", {{"p/lib/", ""}}), Paths{"lib"});
  EXPECT_EQ(
      directories(backend("hatchling.build") + "[tool.hatch.build.targets.wheel]\npackages = ['a/b', 'c']\n",
                  {{"p/a/", ""}}),
      (Paths{"", "a"}));
  EXPECT_EQ(directories(backend("uv_build"), src), Paths{"src"});
  EXPECT_EQ(directories(backend("uv_build") + "[tool.uv.build-backend]\nmodule-root = ''\n", flat),
            Paths{""});
  EXPECT_EQ(directories(backend("pdm.backend"), src), Paths{"src"});
  EXPECT_EQ(directories(backend("poetry.core.masonry.api") +
                            "[tool.poetry]\npackages = [{include = 'x', from = 'lib'}, {include = 'y'}]\n",
                        {{"p/lib/", ""}}),
            (Paths{"", "lib"}));
  EXPECT_EQ(directories(backend("flit_core.buildapi") + "[tool.flit.module]\nname = 'other'\n",
                        {{"p/src/other.py", ""}, {"p/src/", ""}}),
            Paths{"src"});
}

TEST(Project, WhatNeedsABuildIsRefused) {
  const std::string why = "the project cannot be installed in place: ";
  EXPECT_TRUE(
      begins(refusal("[tool.x]\n"), "unsupported p/pyproject.toml: " + why + "its pyproject.toml has no"));
  EXPECT_TRUE(begins(refusal("[project]\nname='a'\ndynamic=['version']\n"),
                     "unsupported p/pyproject.toml:3:9: " + why + "its version is computed"));
  EXPECT_NE(refusal(head + backend("maturin")).find("\"maturin\" may compile"), std::string::npos);
  EXPECT_NE(refusal(head, {{"p/setup.py", ""}, {"p/my_project/", ""}}).find("setup.py"), std::string::npos);
  EXPECT_NE(refusal(head, {{"p/setup.cfg", "[options]\n"}, {"p/my_project/", ""}}).find("setup.cfg"),
            std::string::npos);
  EXPECT_NE(refusal(head + "[build-system]\nrequires=[]\nbackend-path=['.']\n").find("its own build backend"),
            std::string::npos);
  EXPECT_NE(refusal(head + "[tool.setuptools]\next-modules = []\n").find("tool.setuptools.ext-modules"),
            std::string::npos);
  EXPECT_NE(refusal(head + backend("hatchling.build") + "[tool.hatch.build.hooks.x]\n").find("build.hooks"),
            std::string::npos);
  EXPECT_NE(
      refusal(head + backend("pdm.backend") + "[tool.pdm.build]\nis-purelib = false\n").find("is-purelib"),
      std::string::npos);
  EXPECT_NE(refusal(head + backend("poetry.core.masonry.api") + "[tool.poetry]\nbuild = 'x.py'\n")
                .find("tool.poetry.build"),
            std::string::npos);
  EXPECT_NE(refusal(head + "[tool.setuptools.package-dir]\n'' = '../x'\n").find("outside"),
            std::string::npos);
  EXPECT_NE(refusal(head, {}).find("no module \"my_project\""), std::string::npos);
  EXPECT_NE(refusal(head + backend("uv_build")).find("\"src\" does not exist"), std::string::npos);
  EXPECT_TRUE(begins(refusal("[project\n"), "bad_input p/pyproject.toml:1:"));
  EXPECT_TRUE(begins(refusal("[project]\nname='a'\nversion='x'\n"), "bad_input p/pyproject.toml:3:"));
  EXPECT_TRUE(begins(refusal(head + "dependencies = ['a >=']\n"), "bad_input p/pyproject.toml:4:"));
  EXPECT_TRUE(begins(refusal(head + "dependencies = [1]\n"), "bad_input p/pyproject.toml:4:"));
  EXPECT_TRUE(begins(refusal(head + "scripts = 1\n"), "bad_input p/pyproject.toml:4:"));
}

}  // namespace
}  // namespace axle
