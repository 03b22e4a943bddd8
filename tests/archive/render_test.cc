#include "axle/archive/render.h"

#include <gtest/gtest.h>

#include "archive/open_zip.h"

namespace axle::test {
namespace {

TEST(RenderArchive, IsReadAsItWasGiven) {
  const std::vector<NewMember> members{
      {"a/b.txt", "text\n"}, {"empty", ""}, {"\xc3\xa4.py", std::string(70'000, '\0')}};
  const std::string bytes = render_archive(members);
  EXPECT_EQ(bytes, render_archive(members));
  const Archive archive = open_zip(bytes);
  const auto files = read_all(archive);
  ASSERT_EQ(files.size(), members.size());
  for (std::size_t i = 0; i < members.size(); ++i) {
    EXPECT_EQ(files[i], std::pair(members[i].name, members[i].content));
    EXPECT_EQ(archive.members()[i].unix_mode, 0100644U);
    EXPECT_EQ(archive.members()[i].mtime, 315532800);  // 1980-01-01
  }
}

TEST(RenderArchive, OfNothingIsAnEmptyArchive) {
  EXPECT_TRUE(open_zip(render_archive({})).members().empty());
}

}  // namespace
}  // namespace axle::test
