#include <axle/pep/name.h>
#include <gtest/gtest.h>

namespace axle {
namespace {

TEST(Name, ValidNamesAreLettersDigitsAndInnerPunctuation) {
  for (const char* name : {"a", "7", "requests", "zope.interface", "A_b-c.D", "a..b", "x--y"}) {
    EXPECT_TRUE(is_valid_name(name)) << name;
  }
  for (const char* name : {"", "-a", "a-", ".a", "a_", "a b", "a\n", "\na", "a/b", "a\xC3\xA9", "a,b"}) {
    EXPECT_FALSE(is_valid_name(name)) << name;
  }
  EXPECT_FALSE(is_valid_name(std::string_view("a\0b", 3)));
}

TEST(Name, NormalizesRunsOfPunctuationAndCase) {
  EXPECT_EQ(normalize_name("Friendly-Bard"), "friendly-bard");
  EXPECT_EQ(normalize_name("FRIENDLY.bard"), "friendly-bard");
  EXPECT_EQ(normalize_name("friendly__bard"), "friendly-bard");
  EXPECT_EQ(normalize_name("FrIeNdLy-._.-bArD"), "friendly-bard");
  EXPECT_EQ(normalize_name("_x_"), "-x-");
  EXPECT_EQ(normalize_name(""), "");
}

TEST(Name, NormalizingTwiceChangesNothing) {
  for (const char* name : {"A.-_B", "zope.Interface", "--", "x"}) {
    EXPECT_EQ(normalize_name(normalize_name(name)), normalize_name(name));
  }
}

}  // namespace
}  // namespace axle
