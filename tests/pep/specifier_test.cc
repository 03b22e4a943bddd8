#include <axle/base/error.h>
#include <axle/pep/specifier.h>
#include <gtest/gtest.h>

#include <string>

namespace axle {
namespace {

bool contains(std::string_view set, std::string_view version,
              std::optional<bool> prereleases = std::nullopt) {
  return SpecifierSet::parse(set).contains(version, prereleases);
}

TEST(Specifier, CompatibleReleaseNeedsTwoNumbersAndNoLocal) {
  EXPECT_FALSE(Specifier::try_parse("~=1"));
  EXPECT_FALSE(Specifier::try_parse("~=1a1"));
  EXPECT_FALSE(Specifier::try_parse("~=1.0+local"));
  EXPECT_TRUE(contains("~=2.2", "2.99"));
  EXPECT_FALSE(contains("~=2.2", "3.0"));
  EXPECT_FALSE(contains("~=2.2", "3.0.dev0"));
  EXPECT_FALSE(contains("~=2.2", "2.1"));
  EXPECT_TRUE(contains("~=1.4.5a4", "1.4.5a4"));
  EXPECT_FALSE(contains("~=1.4.5a4", "1.5"));
  EXPECT_TRUE(contains("~=2.2.post3", "2.2.post3"));
  EXPECT_FALSE(contains("~=2.2.post3", "2.2"));
  EXPECT_FALSE(contains("~=1.4", "1!1.5"));
  EXPECT_TRUE(contains("~=1.4.0", "1.4.7"));
  EXPECT_FALSE(contains("~=1.4.0", "1.5.0"));
}

TEST(Specifier, PrefixesOnlyWithEquality) {
  EXPECT_TRUE(contains("==1.1.*", "1.1.post1"));
  EXPECT_TRUE(contains("==1.1.*", "1.1a1"));
  EXPECT_TRUE(contains("==1.1.*", "1.1.dev0+x"));
  EXPECT_TRUE(contains("==1.*", "1"));
  EXPECT_TRUE(contains("==1.0.*", "1"));
  EXPECT_FALSE(contains("==1.1.*", "1.11"));
  EXPECT_FALSE(contains("!=1.1.*", "1.1.9"));
  EXPECT_TRUE(contains("!=1.1.*", "1.2"));
  for (const char* text :
       {">=1.*", "<1.*", "~=1.0.*", "==1.0a1.*", "==1.*.*", "==1.0.dev1.*", "==1.0+a.*", "==*"}) {
    EXPECT_FALSE(Specifier::try_parse(text)) << text;
  }
}

TEST(Specifier, ExclusiveOrderLeavesOutTheVersionsOwnRelatives) {
  EXPECT_FALSE(contains("<1.0", "1.0a1"));
  EXPECT_FALSE(contains("<1.0", "1.0.dev0"));
  EXPECT_TRUE(contains("<1.0", "0.9"));
  EXPECT_TRUE(contains("<1.0a2", "1.0a1"));
  EXPECT_FALSE(contains("<1.0.post1", "1.0.post1.dev0"));
  EXPECT_TRUE(contains("<1.0.post1", "1.0"));
  EXPECT_TRUE(contains("<1.0.post1", "1.0a1"));
  EXPECT_FALSE(contains(">1.0", "1.0.post1"));
  EXPECT_FALSE(contains(">1.0", "1.0+local"));
  EXPECT_FALSE(contains(">1.0", "1.0.post1+local"));
  EXPECT_TRUE(contains(">1.0", "1.0.1"));
  EXPECT_TRUE(contains(">1.0.post1", "1.0.post2"));
  EXPECT_FALSE(contains(">1.0.post1", "1.0.post1+local"));
  EXPECT_FALSE(contains(">1.0a1", "1.0a1.post1"));
  EXPECT_TRUE(contains(">1.0a1", "1.0a2.dev0"));
  EXPECT_TRUE(contains(">1.0.dev1", "1.0a1"));
}

TEST(Specifier, EqualityForgetsTheCandidatesLocalPart) {
  EXPECT_TRUE(contains("==1.0", "1.0+cu118"));
  EXPECT_TRUE(contains("==1.0.0", "1"));
  EXPECT_FALSE(contains("==1.0+a", "1.0"));
  EXPECT_TRUE(contains("==1.0+A-1", "1.0+a.1"));
  EXPECT_FALSE(contains("!=1.0", "1.0+a"));
  EXPECT_TRUE(contains("!=1.0+a", "1.0"));
  EXPECT_TRUE(contains("<=1.0", "1.0+a"));
  EXPECT_FALSE(Specifier::try_parse(">=1.0+a"));
}

TEST(Specifier, ArbitraryEqualityComparesTexts) {
  EXPECT_TRUE(contains("===FooBar", "foobar"));
  EXPECT_TRUE(contains("===1.0", "1.0"));
  EXPECT_FALSE(contains("===1.0", "1.0.0"));
  EXPECT_FALSE(contains("===1.0", " 1.0"));
  EXPECT_FALSE(contains("===foo,>=1", "foo"));
  EXPECT_TRUE(SpecifierSet::parse("===1.0").contains(Version::parse("v1.0")));
  EXPECT_EQ(Specifier::parse("===  x.*+!").str(), "===x.*+!");
  EXPECT_FALSE(Specifier::try_parse("===a b"));
  EXPECT_FALSE(Specifier::try_parse("===a;b"));
}

TEST(SpecifierSet, PreReleasesUnlessForbidden) {
  EXPECT_TRUE(contains(">=1.0", "2.0a1"));
  EXPECT_TRUE(contains(">=1.0", "2.0a1", true));
  EXPECT_FALSE(contains(">=1.0", "2.0a1", false));
  EXPECT_FALSE(contains(">=1.0a1", "2.0.dev1", false));
  EXPECT_FALSE(contains("", "2.0a1", false));
  EXPECT_TRUE(contains("", "2.0a1"));
  EXPECT_TRUE(contains("", "nonsense", false));
  EXPECT_FALSE(contains(">=1", "nonsense"));
  EXPECT_TRUE(Specifier::parse(">=1.0a1").names_prerelease());
  EXPECT_FALSE(Specifier::parse("!=1.0a1").names_prerelease());
}

TEST(SpecifierSet, IsSortedWithoutWhatMeansTheSame) {
  EXPECT_EQ(SpecifierSet::parse(" >= 1.0 , <2,, !=1.5").str(), "!=1.5,<2,>=1.0");
  EXPECT_EQ(SpecifierSet::parse("==1.0.0,==1.0,==1").str(), "==1");
  EXPECT_EQ(SpecifierSet::parse("~=1.0.0,~=1.0").str(), "~=1.0,~=1.0.0");
  EXPECT_EQ(SpecifierSet::parse("").str(), "");
  EXPECT_EQ(SpecifierSet::parse(","), SpecifierSet());
  EXPECT_EQ(SpecifierSet::parse("==1.0"), SpecifierSet::parse("== 1"));
  EXPECT_FALSE(SpecifierSet::try_parse("1.0"));
  EXPECT_FALSE(SpecifierSet::try_parse(">=1.0 <2"));
  EXPECT_THROW(SpecifierSet::parse(">=1,=>2"), Error);
}

TEST(SpecifierSet, PinnedIsOneExactVersion) {
  EXPECT_EQ(SpecifierSet::parse("==1.0").pinned(), Version::parse("1.0"));
  EXPECT_EQ(SpecifierSet::parse("===1.0+x").pinned(), Version::parse("1.0+x"));
  for (const char* text : {"", "==1.*", ">=1", "==1,>=0", "===x", "~=1.0"}) {
    EXPECT_EQ(SpecifierSet::parse(text).pinned(), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace axle
