#include <axle/base/error.h>
#include <axle/pep/marker.h>
#include <gtest/gtest.h>

#include <string>

namespace axle {
namespace {

bool holds(std::string_view marker, const MarkerEnvironment& environment = default_environment()) {
  return Marker::parse(marker).evaluate(environment);
}

MarkerEnvironment with_extra(std::string extra) {
  MarkerEnvironment environment = default_environment();
  environment.extra = std::move(extra);
  return environment;
}

TEST(Marker, KnowsEveryVariable) {
  for (const char* name : {"os_name", "sys_platform", "platform_machine", "platform_python_implementation",
                           "platform_release", "platform_system", "platform_version", "python_version",
                           "python_full_version", "implementation_name", "implementation_version", "extra"}) {
    EXPECT_TRUE(Marker::try_parse(std::string(name) + " == 'x'")) << name;
    EXPECT_NO_THROW(holds(std::string(name) + " == 'x'")) << name;
  }
  EXPECT_TRUE(holds("sys_platform == 'linux' and os_name == 'posix' and platform_system == 'Linux'"));
  EXPECT_TRUE(holds("implementation_name == 'cpython' and platform_machine == 'x86_64'"));
}

TEST(Marker, OldNamesAreTheNewOnes) {
  EXPECT_EQ(Marker::parse("os.name == 'a'").str(), "os_name == \"a\"");
  EXPECT_EQ(Marker::parse("python_implementation == 'a'").str(), "platform_python_implementation == \"a\"");
  EXPECT_EQ(Marker::parse("platform.python_implementation == 'a'").str(),
            "platform_python_implementation == \"a\"");
  EXPECT_FALSE(Marker::try_parse("platform.release == 'a'"));
}

TEST(Marker, UnknownVariablesAreErrors) {
  EXPECT_FALSE(Marker::try_parse("sys_abi_features == 'x'"));
  EXPECT_FALSE(Marker::try_parse("variant_label == 'x'"));
  EXPECT_FALSE(Marker::try_parse("python_versions == '3'"));
  MarkerEnvironment environment = default_environment();
  environment.variables.erase("os_name");
  EXPECT_THROW(holds("os_name == 'posix'", environment), Error);
  EXPECT_THROW(holds("python_version >= '3' or os_name == 'posix'", environment), Error);
}

TEST(Marker, VersionsCompareAsVersions) {
  EXPECT_TRUE(holds("python_version >= '3.9'"));
  EXPECT_TRUE(holds("'3.9' <= python_version"));
  EXPECT_TRUE(holds("python_version > '3.2'"));
  EXPECT_TRUE(holds("python_full_version == '3.12.*'"));
  EXPECT_TRUE(holds("python_version ~= '3.10'"));
  EXPECT_TRUE(holds("python_version in '3.11 3.12'"));
  EXPECT_FALSE(holds("python_version not in '3.11 3.12'"));
  MarkerEnvironment environment = default_environment();
  environment.variables["python_full_version"] = "3.13.0a1+";
  EXPECT_TRUE(holds("python_full_version == '3.13.0a1'", environment));
  environment.variables["platform_release"] = "5.15.0-91-generic";
  EXPECT_FALSE(holds("platform_release >= '5'", environment));
  environment.variables["platform_release"] = "6.1.0";
  EXPECT_TRUE(holds("platform_release >= '5'", environment));
}

TEST(Marker, TextsHaveNoOrder) {
  EXPECT_TRUE(holds("sys_platform >= 'linux'"));
  EXPECT_TRUE(holds("sys_platform <= 'linux'"));
  EXPECT_FALSE(holds("sys_platform > 'a'"));
  EXPECT_FALSE(holds("sys_platform < 'z'"));
  EXPECT_THROW(holds("sys_platform ~= 'linux'"), Error);
  EXPECT_THROW(holds("sys_platform === 'linux'"), Error);
  EXPECT_THROW(holds("sys_platform ~= 'linux' or os_name == 'posix'"), Error);
  EXPECT_TRUE(holds("'lin' in sys_platform"));
  EXPECT_FALSE(holds("'win' in sys_platform"));
  EXPECT_TRUE(holds("implementation_name != 'CPython'"));
}

TEST(Marker, ExtraIsOneNormalizedText) {
  EXPECT_FALSE(holds("extra == 'test'"));
  EXPECT_TRUE(holds("extra == ''"));
  EXPECT_TRUE(holds("extra == 'Foo_Bar'", with_extra("foo.bar")));
  EXPECT_TRUE(holds("'foo-bar' == extra", with_extra("FOO__bar")));
  EXPECT_EQ(Marker::parse("extra == 'Foo_Bar'").str(), "extra == \"foo-bar\"");
  EXPECT_TRUE(Marker::parse("os_name == 'a' or (extra == 'x')").uses_extra());
  EXPECT_FALSE(Marker::parse("os_name == 'extra'").uses_extra());
}

TEST(Marker, ExtrasAndGroupsAreSets) {
  MarkerEnvironment environment = default_environment();
  environment.extras = {"Foo_Bar"};
  environment.dependency_groups = {"dev", "docs"};
  EXPECT_TRUE(holds("'foo.bar' in extras", environment));
  EXPECT_FALSE(holds("'foo' in extras", environment));
  EXPECT_TRUE(holds("'test' not in dependency_groups and 'DEV' in dependency_groups", environment));
  EXPECT_FALSE(holds("'dev' == dependency_groups", environment));
  EXPECT_THROW(holds("extras == 'foo'", environment), Error);
  EXPECT_THROW(holds("extras in 'foo'", environment), Error);
  EXPECT_TRUE(Marker::parse("'a' in extras").uses_extras());
  EXPECT_TRUE(Marker::parse("'a' in dependency_groups").uses_dependency_groups());
}

// As uv.lock and poetry.lock mean it: several extras are on at once.
TEST(Marker, ExtraAsASet) {
  MarkerEnvironment environment = default_environment();
  environment.extra_mode = ExtraMode::set;
  const char* edge =
      "extra != 'extra-4-proj-cpu' or extra == 'extra-4-proj-gpu' or "
      "(extra == 'extra-4-proj-cpu' and extra == 'extra-4-proj-gpu')";
  EXPECT_TRUE(holds(edge, environment));
  environment.extras = {"extra-4-proj-cpu"};
  EXPECT_FALSE(holds(edge, environment));
  environment.extras = {"extra-4-proj-cpu", "extra-4-proj-gpu"};
  EXPECT_TRUE(holds(edge, environment));
  EXPECT_TRUE(holds("extra == 'Extra_4_proj.cpu' and extra == 'extra-4-proj-gpu'", environment));
  EXPECT_FALSE(holds("extra != 'extra-4-proj-cpu'", environment));
}

TEST(Marker, AndBindsTighterThanOr) {
  EXPECT_TRUE(holds("os_name == 'posix' or os_name == 'nt' and os_name == 'x'"));
  EXPECT_FALSE(holds("(os_name == 'posix' or os_name == 'nt') and os_name == 'x'"));
  EXPECT_TRUE(holds("os_name == 'x' and os_name == 'y' or os_name == 'posix'"));
}

TEST(Marker, IsWrittenAsPackagingWritesIt) {
  const auto text = [](std::string_view marker) { return Marker::parse(marker).str(); };
  EXPECT_EQ(text(" ( ( os_name=='a' ) ) "), "os_name == \"a\"");
  EXPECT_EQ(text("(os_name == 'a' and os_name == 'b')or'c'  not   in sys_platform"),
            "(os_name == \"a\" and os_name == \"b\") or \"c\" not in sys_platform");
  EXPECT_EQ(text("os_name == '\"'"), "os_name == '\"'");
  EXPECT_EQ(text("os_name == '\\x41\\101\\n'"), "os_name == \"AA\n\"");
  EXPECT_THROW(text("os_name == '\\x22\\x27'"), Error);
}

TEST(Marker, RefusesWhatIsNone) {
  for (const char* marker :
       {"", "os_name", "os_name ==", "os_name == a", "os_name == 'a", "os_name = 'a'", "os_name == 'a' and",
        "(os_name == 'a'", "os_name == 'a')", "os_name notin 'a'", "os_name == 'a' os_name == 'b'",
        "os_name == 'a\n'", "os_name == 'a' && os_name == 'b'", "os_name == '\\x4'", "os_name == '\\'",
        "'a' == 'b' c"}) {
    EXPECT_FALSE(Marker::try_parse(marker)) << marker;
  }
}

TEST(Marker, NestingIsBounded) {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '(') + "os_name == 'posix'" + std::string(depth, ')');
  };
  EXPECT_TRUE(holds(nested(400)));
  EXPECT_EQ(Marker::parse(nested(400)).str(), "os_name == \"posix\"");
  EXPECT_FALSE(Marker::try_parse(nested(100000)));
  EXPECT_FALSE(Marker::try_parse(std::string(1000000, '(')));
}

TEST(Marker, TellsTheColumn) {
  try {
    Marker::parse("os_name == 'a' and bogus == 'b'");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::bad_input);
    EXPECT_NE(error.message().find("column 20"), std::string::npos) << error.message();
  }
}

}  // namespace
}  // namespace axle
