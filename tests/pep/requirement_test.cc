#include <axle/base/error.h>
#include <axle/pep/requirement.h>
#include <gtest/gtest.h>

#include <string>

namespace axle {
namespace {

std::string normal(std::string_view text) { return Requirement::parse(text).str(); }

TEST(Requirement, GivesItsParts) {
  const Requirement requirement =
      Requirement::parse("Zope.Interface [ test , docs,test ] >= 5.0, <6 ; python_version < '3.10'");
  EXPECT_EQ(requirement.name, "Zope.Interface");
  EXPECT_EQ(requirement.extras, (std::vector<std::string>{"docs", "test"}));
  EXPECT_EQ(requirement.specifier.str(), "<6,>=5.0");
  EXPECT_FALSE(requirement.url);
  EXPECT_EQ(requirement.marker->str(), "python_version < \"3.10\"");
}

TEST(Requirement, IsWrittenAsPackagingWritesIt) {
  EXPECT_EQ(normal("a"), "a");
  EXPECT_EQ(normal("a (>=1,)"), "a>=1");
  EXPECT_EQ(normal("a()"), "a");
  EXPECT_EQ(normal("a[]"), "a");
  EXPECT_EQ(normal("a[b]>=1;os_name=='x'"), "a[b]>=1; os_name == \"x\"");
  EXPECT_EQ(normal("a@https://files.example/a.whl"), "a @ https://files.example/a.whl");
  EXPECT_EQ(normal("a[b] @ file:///x ; os_name == 'x'"), "a[b] @ file:///x ; os_name == \"x\"");
  EXPECT_EQ(normal("a === any+thing,>=1"), "a===any+thing,>=1");
  EXPECT_THROW(normal("a === 1.0,weird"), Error);
}

TEST(Requirement, AUrlGoesOnToTheNextBlank) {
  EXPECT_EQ(Requirement::parse("a @ https://files.example/a;b=c").url, "https://files.example/a;b=c");
  EXPECT_FALSE(Requirement::parse("a @ https://files.example/a;b=c").marker);
  EXPECT_FALSE(Requirement::try_parse("a @ https://files.example/a os_name == 'x'"));
}

TEST(Requirement, RefusesWhatIsNone) {
  for (const char* text :
       {"",       "-a",         "a b",    "a>=1 b", "a[b",    "a[b c]",   "a[,]", "a[b,]",
        "a-",     "a>=",        "a=1",    "a(>=1",  "a>=1)",  "a @",      "a;",   "a; bogus == 'x'",
        "a>=1.*", "a>=1+local", "a ~= 1", "a,",     "a>=1,,", "\xC3\xA9", "a\n",  "a[b]; "}) {
    EXPECT_FALSE(Requirement::try_parse(text)) << text;
  }
}

TEST(Requirement, WritingAndReadingAgain) {
  for (const char* text :
       {"a[x,y]!=1.5,>=1 ; extra == 'T'", "a @ x:y ; os_name in 'a b'", "a_b-c.d===q,>1"}) {
    EXPECT_EQ(normal(normal(text)), normal(text));
  }
}

}  // namespace
}  // namespace axle
