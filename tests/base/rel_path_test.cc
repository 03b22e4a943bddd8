#include "axle/base/rel_path.h"

#include <gtest/gtest.h>

#include "axle/base/error.h"

namespace axle {
namespace {

TEST(RelPath, AcceptsOrdinaryPaths) {
  for (const char* text :
       {"a", "a/b.py", ".pth", "a/.hidden", "ünï/x", "a b/c", "console.py", "com0", "lpt", "a/...x"}) {
    EXPECT_EQ(rel_path_fault(text), nullptr) << text;
  }
}

TEST(RelPath, RefusesWhatCouldLeaveItsRootOrCannotExistOnATarget) {
  using std::string_view_literals::operator""sv;
  for (const auto text :
       {""sv, "/a"sv, "."sv, "a/./b"sv, ".."sv, "a/../b"sv, "a//b"sv, "a/"sv, "a\\b"sv, "c:x"sv, "a\0b"sv,
        "a\nb"sv, "\xff"sv, "a."sv, "a "sv, "aux"sv, "AUX.txt"sv, "x/nul.py"sv, "Com1"sv}) {
    EXPECT_NE(rel_path_fault(text), nullptr) << text;
  }
  EXPECT_NE(rel_path_fault(std::string(256, 'x')), nullptr);
  EXPECT_THROW(RelPath::parse("../x"), Error);
}

TEST(RelPath, SortsADirectoryBeforeItsSiblings) {
  EXPECT_LT(RelPath::parse("a"), RelPath::parse("a/b"));
  EXPECT_LT(RelPath::parse("a/b"), RelPath::parse("a-b"));
  EXPECT_LT(RelPath::parse("a/z"), RelPath::parse("a.py"));
}

TEST(RelPath, KnowsWhatIsWithin) {
  const RelPath dir = RelPath::parse("a/b");
  EXPECT_TRUE(dir.is_within(dir));
  EXPECT_TRUE(RelPath::parse("a/b/c").is_within(dir));
  EXPECT_FALSE(RelPath::parse("a/bc").is_within(dir));
  EXPECT_FALSE(RelPath::parse("a").is_within(dir));
}

}  // namespace
}  // namespace axle
