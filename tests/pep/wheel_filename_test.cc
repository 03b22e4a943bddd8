#include <axle/base/error.h>
#include <axle/pep/wheel_filename.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace axle {
namespace {

TEST(WheelFilename, GivesItsParts) {
  const WheelFilename file =
      WheelFilename::parse("Markup.Safe_X-2.1.05-12rc-cp312.cp313-abi3-manylinux1_x86_64.whl");
  EXPECT_EQ(file.name, "markup-safe-x");
  EXPECT_EQ(file.raw_name, "Markup.Safe_X");
  EXPECT_EQ(file.version.str(), "2.1.5");
  EXPECT_EQ(file.raw_version, "2.1.05");
  EXPECT_EQ(file.build, (BuildTag{Natural(12), "rc"}));
  EXPECT_EQ(file.python, "cp312.cp313");
  EXPECT_EQ(file.abi, "abi3");
  EXPECT_EQ(file.platform, "manylinux1_x86_64");
  ASSERT_EQ(file.tags.size(), 2U);
  EXPECT_EQ(file.tags[1].str(), "cp313-abi3-manylinux1_x86_64");
}

TEST(WheelFilename, RefusesWhatIsNone) {
  for (const char* name :
       {"", ".whl", "a-1-py3-none-any", "a-1-py3-none-any.WHL", "a-1-none-any.whl", "a-x-py3-none-any.whl",
        "a__b-1-py3-none-any.whl", "-1-py3-none-any.whl", "a+b-1-py3-none-any.whl", "a-1-x1-py3-none-any.whl",
        "a-1--py3-none-any.whl", "a-1-py3-none-.whl", "a-1-py3..py2-none-any.whl",
        "a-1-1-py3-none-any-x-y.whl", "a/b-1-py3-none-any.whl", "a\n-1-py3-none-any.whl"}) {
    EXPECT_FALSE(WheelFilename::try_parse(name)) << name;
    EXPECT_THROW(WheelFilename::parse(name), Error) << name;
  }
}

TEST(WheelFilename, VariantLabelsAreUnsupported) {
  for (const char* name : {"a-1-py3-none-any-cu12.whl", "a-1-1b-py3-none-any-x86_64_v3.whl"}) {
    try {
      WheelFilename::parse(name);
      FAIL() << name;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::unsupported) << name;
    }
    EXPECT_FALSE(WheelFilename::try_parse(name));
  }
  try {
    WheelFilename::parse("a-1-py3-none-any-CU.whl");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::bad_input);
  }
}

TEST(SdistFilename, DividesAtTheLastDash) {
  const SdistFilename file = SdistFilename::parse("My-Project.X-1.0.tar.gz");
  EXPECT_EQ(file.name, "my-project-x");
  EXPECT_EQ(file.version.str(), "1.0");
  EXPECT_TRUE(SdistFilename::try_parse("a-1.zip"));
  for (const char* name : {"a-1.tar.bz2", "a.tar.gz", "-1.tar.gz", "a-x.zip", "a-1.tar.gz.zip", ""}) {
    EXPECT_FALSE(SdistFilename::try_parse(name)) << name;
  }
}

std::optional<std::size_t> select(const std::vector<std::string>& names) {
  return select_wheel(names, TagSet(TagTarget{.python = "3.12", .platform = "manylinux_2_28_x86_64"}));
}

TEST(SelectWheel, TakesTheBestTag) {
  EXPECT_EQ(select({"a-1-py3-none-any.whl", "a-1-cp39-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
                    "a-1-cp311-abi3-manylinux_2_17_x86_64.whl", "a-1-cp313-cp313-manylinux_2_17_x86_64.whl"}),
            2U);
  EXPECT_EQ(select({"a-1-cp312-cp312-manylinux_2_17_x86_64.whl", "a-1-cp312-cp312-manylinux_2_28_x86_64.whl",
                    "a-1-cp312-cp312-linux_x86_64.whl"}),
            2U);
  EXPECT_EQ(select({"a-1-cp312-cp312-manylinux_2_34_x86_64.whl", "a-1-py3-none-any.whl"}), 1U);
}

TEST(SelectWheel, ThenTheHighestBuild) {
  EXPECT_EQ(select({"a-1-py3-none-any.whl", "a-1-9-py3-none-any.whl", "a-1-10-py3-none-any.whl",
                    "a-1-10-py2.py3-none-any.whl"}),
            2U);
  EXPECT_EQ(select({"a-1-1a-py3-none-any.whl", "a-1-1b-py3-none-any.whl"}), 1U);
  // The tag counts more than the build.
  EXPECT_EQ(select({"a-1-9-py3-none-any.whl", "a-1-1-cp312-none-any.whl"}), 1U);
}

TEST(SelectWheel, PassesOverWhatIsNoWheelOrDoesNotFit) {
  EXPECT_EQ(select({}), std::nullopt);
  EXPECT_EQ(select({"a-1.tar.gz", "junk", "a-1-py3-none-any-label.whl", "a-1-cp312-cp312t-win32.whl"}),
            std::nullopt);
  EXPECT_EQ(select({"junk", "a-1-cp399-future.abi3-manylinux_9_9_x86_64.any.whl", "a-1-py3-none-any.whl"}),
            2U);
}

}  // namespace
}  // namespace axle
