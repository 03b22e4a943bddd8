#include "env/paths.h"

#include <gtest/gtest.h>

namespace axle {
namespace {

TEST(RelativePath, LeadsFromADirectoryToAPath) {
  EXPECT_EQ(relative_path("/a/b", "/a/b/c"), "c");
  EXPECT_EQ(relative_path("/a/b", "/a/c/d"), "../c/d");
  EXPECT_EQ(relative_path("/a/b/c", "/x"), "../../../x");
  EXPECT_EQ(relative_path("/a/b", "/a/bc"), "../bc") << "names are compared whole";
  EXPECT_EQ(relative_path("/", "/x/y"), "x/y");
  EXPECT_EQ(relative_path("/a", "/"), "..");
  EXPECT_EQ(relative_path("/a", "/a"), ".");
}

}  // namespace
}  // namespace axle
