#include <axle/base/error.h>
#include <axle/pep/version.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace axle {
namespace {

std::string normal(std::string_view text) { return Version::parse(text).str(); }

TEST(Natural, ComparesByValueWhateverTheLength) {
  const auto number = [](std::string_view digits) { return *Natural::try_parse(digits); };
  EXPECT_EQ(number("007"), number("7"));
  EXPECT_EQ(number("0000000000000000000000000001"), number("1"));
  EXPECT_LT(number("999999999999999999"), number("1000000000000000000"));
  EXPECT_LT(number("9999999999999999999"), number("10000000000000000000"));
  EXPECT_LT(number("18446744073709551615"), number("18446744073709551616"));
  EXPECT_EQ(number("18446744073709551615"), Natural(18446744073709551615U));
  EXPECT_EQ(number("18446744073709551615").to_uint64(), 18446744073709551615U);
  EXPECT_EQ(number("18446744073709551616").to_uint64(), std::nullopt);
  EXPECT_EQ(number("0").str(), "0");
  EXPECT_TRUE(number("000").is_zero());
  EXPECT_FALSE(Natural::try_parse(""));
  EXPECT_FALSE(Natural::try_parse("1a"));
}

TEST(Version, NormalizesEverySpelling) {
  EXPECT_EQ(normal("v1.0"), "1.0");
  EXPECT_EQ(normal("V1.0"), "1.0");
  EXPECT_EQ(normal(" 1.0\n"), "1.0");
  EXPECT_EQ(normal("\xC2\xA0"
                   "1.0\xE3\x80\x80"),
            "1.0");
  EXPECT_EQ(normal("01.002"), "1.2");
  EXPECT_EQ(normal("1.0ALPHA1"), "1.0a1");
  EXPECT_EQ(normal("1.0-beta_2"), "1.0b2");
  EXPECT_EQ(normal("1.0c3"), "1.0rc3");
  EXPECT_EQ(normal("1.0.pre"), "1.0rc0");
  EXPECT_EQ(normal("1.0preview4"), "1.0rc4");
  EXPECT_EQ(normal("1.0-1"), "1.0.post1");
  EXPECT_EQ(normal("1.0-r4"), "1.0.post4");
  EXPECT_EQ(normal("1.0rev"), "1.0.post0");
  EXPECT_EQ(normal("1.0dev"), "1.0.dev0");
  EXPECT_EQ(normal("0!1.0"), "1.0");
  EXPECT_EQ(normal("1!1.0"), "1!1.0");
  EXPECT_EQ(normal("1.0+Ubuntu-1_007"), "1.0+ubuntu.1.7");
  EXPECT_EQ(normal("1.0a.-1"), "1.0a0.post1");
  EXPECT_EQ(normal("1.0a-.dev1"), "1.0a0.dev1");
}

TEST(Version, RefusesWhatIsNone) {
  for (const char* text : {"",
                           " ",
                           "v",
                           "1.",
                           ".1",
                           "1..2",
                           "1.0+",
                           "1.0+a..b",
                           "1.0+.a",
                           "1.0-",
                           "1.0 .post1",
                           "v 1.0",
                           "1!",
                           "!1",
                           "1.0x",
                           "1.0+\xC3\xA9",
                           "1_0",
                           "1.0a1b1",
                           "1.0.dev1.post1",
                           "latest",
                           "\xD9\xA1.0",
                           "1.0.po\xC5\xBFt1"}) {
    EXPECT_FALSE(Version::try_parse(text)) << text;
    EXPECT_THROW(Version::parse(text), Error) << text;
  }
}

TEST(Version, NumbersMayBeLongButNotEndless) {
  const std::string long_number(4300, '9');
  EXPECT_EQ(normal(long_number + ".1"), long_number + ".1");
  EXPECT_LT(Version::parse("1." + long_number), Version::parse("2"));
  EXPECT_GT(Version::parse("1." + long_number), Version::parse("1.8"));
  EXPECT_FALSE(Version::try_parse(std::string(4301, '9')));
  EXPECT_FALSE(Version::try_parse("1.0+" + std::string(4301, '9')));
}

// Each list is in order; all pairs are compared.
TEST(Version, OrdersAsPep440) {
  const std::vector<std::string> order = {"0.dev0",      "0",
                                          "1.0.dev1",    "1.0a1.dev1",
                                          "1.0a1",       "1.0a1.post1.dev2",
                                          "1.0a1.post1", "1.0a2",
                                          "1.0a10",      "1.0b1",
                                          "1.0rc1",      "1.0",
                                          "1.0+a",       "1.0+a.1",
                                          "1.0+b",       "1.0+1",
                                          "1.0+1.a",     "1.0+1.1",
                                          "1.0+2",       "1.0.post0.dev1",
                                          "1.0.post0",   "1.0.post1",
                                          "1.0.1.dev1",  "1.0.1",
                                          "1.1",         "1.10",
                                          "2",           "1!0.1"};
  for (std::size_t i = 0; i < order.size(); ++i) {
    for (std::size_t j = 0; j < order.size(); ++j) {
      const auto expected = i <=> j;
      EXPECT_TRUE((Version::parse(order[i]) <=> Version::parse(order[j])) == expected)
          << order[i] << " and " << order[j];
    }
  }
}

TEST(Version, TrailingZerosDoNotMatter) {
  EXPECT_EQ(Version::parse("1"), Version::parse("1.0.0"));
  EXPECT_EQ(Version::parse("1.0a1"), Version::parse("1a1"));
  EXPECT_EQ(Version::parse("1.0.0").canonical(), "1");
  EXPECT_EQ(Version::parse("0.0").canonical(), "0");
  EXPECT_EQ(Version::parse("1!1.10.0rc1+x").canonical(), "1!1.10rc1+x");
}

TEST(Version, GivesItsParts) {
  const Version version = Version::parse("2!1.2.3rc4.post5.dev6+Local-7");
  EXPECT_EQ(version.epoch(), Natural(2));
  EXPECT_EQ(version.release().size(), 3U);
  EXPECT_EQ(version.release_at(2), Natural(3));
  EXPECT_EQ(version.release_at(9), Natural(0));
  EXPECT_EQ(version.pre()->kind, PreReleaseKind::candidate);
  EXPECT_EQ(version.post(), Natural(5));
  EXPECT_EQ(version.dev(), Natural(6));
  EXPECT_EQ(version.local_text(), "local.7");
  EXPECT_EQ(version.public_version(), "2!1.2.3rc4.post5.dev6");
  EXPECT_EQ(version.base_version(), "2!1.2.3");
  EXPECT_TRUE(version.is_prerelease());
  EXPECT_TRUE(Version::parse("1.dev1").is_prerelease());
  EXPECT_FALSE(Version::parse("1.post1").is_prerelease());
  EXPECT_TRUE(compare_public(Version::parse("1+a"), Version::parse("1.0+b")) == 0);
}

}  // namespace
}  // namespace axle
