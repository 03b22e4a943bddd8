#include "plan/glob.h"

#include <gtest/gtest.h>

#include <string>

namespace axle {
namespace {

TEST(Glob, MatchesWithinAndAcrossComponents) {
  EXPECT_TRUE(glob_matches("tests/**", "tests/a/b.py"));
  EXPECT_TRUE(glob_matches("**/tests/*.py", "a/b/tests/x.py"));
  EXPECT_TRUE(glob_matches("**/x.py", "x.py"));
  EXPECT_TRUE(glob_matches("a/**/x.py", "a/x.py"));
  EXPECT_TRUE(glob_matches("*.txt", "a.txt"));
  EXPECT_TRUE(glob_matches("?.txt", "a.txt"));
  EXPECT_TRUE(glob_matches("**", "a/b/c"));
  EXPECT_FALSE(glob_matches("*.txt", "a/b.txt"));
  EXPECT_FALSE(glob_matches("tests/**", "test/a"));
  EXPECT_FALSE(glob_matches("a?b", "a/b"));
  EXPECT_FALSE(glob_matches("", "a"));
}

TEST(Glob, IsNeverExponential) {
  std::string glob;
  for (int i = 0; i < 40; ++i) glob += "*a";
  EXPECT_FALSE(glob_matches(glob + "b", std::string(2000, 'a')));
}

}  // namespace
}  // namespace axle
