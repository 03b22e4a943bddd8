#include <axle/base/error.h>
#include <axle/pep/tag.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace axle {
namespace {

std::vector<std::string> texts(const TagTarget& target) {
  std::vector<std::string> out;
  for (const Tag& tag : compatible_tags(target)) out.push_back(tag.str());
  return out;
}

bool has(const std::vector<std::string>& list, std::string_view item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

std::size_t place(const std::vector<std::string>& list, std::string_view item) {
  return static_cast<std::size_t>(std::find(list.begin(), list.end(), item) - list.begin());
}

TEST(Tags, CpythonOrder) {
  EXPECT_EQ(texts({.python = "3.4", .platform = "win32"}),
            (std::vector<std::string>{
                "cp34-cp34m-win32", "cp34-abi3-win32", "cp34-none-win32", "cp33-abi3-win32",
                "cp32-abi3-win32", "py34-none-win32", "py3-none-win32", "py33-none-win32", "py32-none-win32",
                "py31-none-win32", "py30-none-win32", "cp34-none-any", "py34-none-any", "py3-none-any",
                "py33-none-any", "py32-none-any", "py31-none-any", "py30-none-any"}));
}

TEST(Tags, FreeThreadedHasAbi3tAndNoAbi3) {
  const auto list = texts({.python = "3.15", .platform = "win_amd64", .free_threaded = true});
  EXPECT_EQ(list[0], "cp315-cp315t-win_amd64");
  EXPECT_EQ(list[1], "cp315-abi3t-win_amd64");
  EXPECT_TRUE(has(list, "cp32-abi3t-win_amd64"));
  EXPECT_FALSE(has(list, "cp315-abi3-win_amd64"));
  EXPECT_FALSE(has(list, "cp315-cp315-win_amd64"));
  EXPECT_EQ(list, texts({.python = "3.15", .platform = "win_amd64", .abi = "cp315t"}));
  // There was no such build before 3.13.
  EXPECT_TRUE(
      has(texts({.python = "3.12", .platform = "win32", .free_threaded = true}), "cp312-cp312-win32"));
}

TEST(Tags, GilHasAbi3AndNoAbi3t) {
  const auto list = texts({.python = "3.15", .platform = "win_amd64"});
  EXPECT_TRUE(has(list, "cp315-abi3-win_amd64"));
  EXPECT_FALSE(has(list, "cp315-abi3t-win_amd64"));
}

TEST(Tags, DebugBuildsLoadReleaseModulesToo) {
  const auto list = texts({.python = "3.12", .platform = "win32", .abi = "cp312d"});
  EXPECT_EQ(list[0], "cp312-cp312d-win32");
  EXPECT_EQ(list[1], "cp312-cp312-win32");
  EXPECT_EQ(list[2], "cp312-abi3-win32");
}

TEST(Tags, ThreePartPythonCountsAsTwo) {
  EXPECT_EQ(texts({.python = "3.12.7", .platform = "win32"}), texts({.python = "3.12", .platform = "win32"}));
  EXPECT_THROW(texts({.python = "three", .platform = "win32"}), Error);
  EXPECT_THROW(texts({.python = "3.", .platform = "win32"}), Error);
  EXPECT_THROW(texts({.python = "3.12", .platform = ""}), Error);
}

TEST(Platforms, LinuxComesFirst) {
  const auto list = compatible_platforms("manylinux_2_18_x86_64");
  const std::vector<std::string> head = {"linux_x86_64", "manylinux_2_18_x86_64", "manylinux_2_17_x86_64",
                                         "manylinux2014_x86_64", "manylinux_2_16_x86_64"};
  EXPECT_TRUE(std::equal(head.begin(), head.end(), list.begin()));
  EXPECT_EQ(list.back(), "manylinux1_x86_64");
  EXPECT_TRUE(has(list, "manylinux2010_x86_64"));
  EXPECT_FALSE(has(list, "manylinux_2_19_x86_64"));
  EXPECT_EQ(compatible_platforms("manylinux2014_x86_64")[1], "manylinux_2_17_x86_64");
}

TEST(Platforms, OnlyX86GoesBelowGlibc217) {
  EXPECT_EQ(compatible_platforms("manylinux_2_28_aarch64").back(), "manylinux2014_aarch64");
  EXPECT_EQ(compatible_platforms("manylinux_2_28_i686").back(), "manylinux1_i686");
  EXPECT_EQ(compatible_platforms("manylinux_2_16_s390x"), std::vector<std::string>{"linux_s390x"});
  EXPECT_EQ(compatible_platforms("linux_riscv64"), std::vector<std::string>{"linux_riscv64"});
}

TEST(Platforms, Armv8lRunsArmv7l) {
  EXPECT_EQ(compatible_platforms("musllinux_1_0_armv8l"),
            (std::vector<std::string>{"linux_armv8l", "linux_armv7l", "musllinux_1_0_armv8l",
                                      "musllinux_1_0_armv7l"}));
}

TEST(Platforms, MuslDownToOneZero) {
  EXPECT_EQ(compatible_platforms("musllinux_1_2_aarch64"),
            (std::vector<std::string>{"linux_aarch64", "musllinux_1_2_aarch64", "musllinux_1_1_aarch64",
                                      "musllinux_1_0_aarch64"}));
}

TEST(Platforms, MacOs) {
  const auto arm = compatible_platforms("macosx_12_3_arm64");
  EXPECT_EQ(arm[0], "macosx_12_0_arm64");
  EXPECT_EQ(arm[1], "macosx_12_0_universal2");
  EXPECT_EQ(arm[2], "macosx_11_0_arm64");
  EXPECT_FALSE(has(arm, "macosx_10_15_arm64"));
  EXPECT_TRUE(has(arm, "macosx_10_15_universal2"));
  EXPECT_EQ(arm.back(), "macosx_10_4_universal2");

  const auto intel = compatible_platforms("macosx_11_0_x86_64");
  EXPECT_EQ(place(intel, "macosx_11_0_x86_64"), 0U);
  EXPECT_EQ(place(intel, "macosx_11_0_intel"), 1U);
  EXPECT_LT(place(intel, "macosx_10_16_universal2"), place(intel, "macosx_10_15_x86_64"));
  EXPECT_EQ(intel.back(), "macosx_10_4_universal");

  EXPECT_EQ(compatible_platforms("macosx_10_5_x86_64").front(), "macosx_10_5_x86_64");
  EXPECT_FALSE(has(compatible_platforms("macosx_10_5_x86_64"), "macosx_10_3_x86_64"));
}

TEST(Platforms, PhonesAndTheWeb) {
  const auto ios = compatible_platforms("ios_13_1_arm64_iphoneos");
  EXPECT_EQ(ios.size(), 12U);
  EXPECT_EQ(ios[1], "ios_13_0_arm64_iphoneos");
  EXPECT_EQ(ios[2], "ios_12_9_arm64_iphoneos");
  EXPECT_EQ(compatible_platforms("android_17_x86_64"),
            (std::vector<std::string>{"android_17_x86_64", "android_16_x86_64"}));
  EXPECT_EQ(compatible_platforms("pyemscripten_2025_0_wasm32"),
            std::vector<std::string>{"pyemscripten_2025_0_wasm32"});
}

TEST(Platforms, NumbersAreBounded) {
  for (const char* platform :
       {"manylinux_2_99999_x86_64", "manylinux_2_x86_64", "manylinux_2_28", "manylinux_2_28_",
        "macosx_99999999999999999999_0_arm64", "musllinux_1_x", "android_x_y", "linux_"}) {
    EXPECT_THROW(compatible_platforms(platform), Error) << platform;
  }
  EXPECT_THROW(texts({.python = "3.255", .platform = "manylinux_255_255_x86_64"}), Error);
}

TEST(Tags, PypyAndGraalpy) {
  const auto pypy = texts({.python = "3.11", .platform = "win_amd64", .implementation = "pypy"});
  EXPECT_EQ(pypy[0], "pp311-pypy311_pp73-win_amd64");
  EXPECT_EQ(pypy[1], "pp311-none-win_amd64");
  EXPECT_TRUE(has(pypy, "pp3-none-any"));
  const auto graal = texts({.python = "3.12",
                            .platform = "win_amd64",
                            .implementation = "graalpy",
                            .abi = "graalpy250_312_native"});
  EXPECT_EQ(graal[0], "graalpy312-graalpy250_312_native-win_amd64");
  EXPECT_TRUE(has(graal, "py3-none-any"));
}

TEST(ParseTag, ExpandsCompressedSets) {
  EXPECT_EQ(parse_tag("py2.PY3-none-any"),
            (std::vector<Tag>{{"py2", "none", "any"}, {"py3", "none", "any"}}));
  EXPECT_EQ(parse_tag("cp39-abi3.abi3t-a.b").size(), 4U);
  EXPECT_EQ(parse_tag("py3.py3-none-any").size(), 1U);
  for (const char* tag : {"", "py3", "py3-none", "py3-none-any-x", "py3.-none-any", "-none-any", "py3-none-",
                          "py3--any", "3py-none-any", "py3..py2-none-any", "py+3-none-any"}) {
    EXPECT_THROW(parse_tag(tag), Error) << tag;
  }
}

TEST(ParseTag, ExpansionIsBounded) {
  std::string many = "a";
  for (int i = 0; i < 300; ++i) many += ".a" + std::to_string(i);
  EXPECT_THROW(parse_tag(many + "-" + many + "-" + many), Error);
  EXPECT_EQ(parse_tag(many + "-none-any").size(), 301U);
}

TEST(TagSet, RanksInOrder) {
  const TagTarget target{.python = "3.12", .platform = "manylinux_2_28_x86_64"};
  const TagSet set(target);
  const std::vector<Tag> tags = compatible_tags(target);
  EXPECT_EQ(set.size(), tags.size());
  for (std::size_t i = 0; i < tags.size(); ++i) EXPECT_EQ(set.rank(tags[i]), i);
  EXPECT_EQ(set.rank(Tag{"cp312", "cp312", "win32"}), std::nullopt);
  const std::vector<Tag> several = {tags[9], tags[4], Tag{"x", "y", "z"}};
  EXPECT_EQ(set.best_rank(several), 4U);
  EXPECT_EQ(set.best_rank("py2.py3", "none", "ANY"), set.rank(Tag{"py3", "none", "any"}));
  EXPECT_EQ(set.best_rank("py2", "none", "any"), std::nullopt);
}

}  // namespace
}  // namespace axle
