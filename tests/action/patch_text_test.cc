#include "action/patch_text.h"

#include <gtest/gtest.h>

#include "axle/base/error.h"

namespace axle {
namespace {

std::string patched(const std::string& content, const std::string& patch) {
  const auto parts = parse_patch(patch, "x.patch", 1);
  EXPECT_EQ(parts.size(), 1U);
  return apply_patch(content, parts.at(0), "x.patch");
}
std::string changed(const std::string& content, const std::string& hunks) {
  return patched(content, "--- a/x\n+++ b/x\n" + hunks);
}

Error failure(const std::string& content, const std::string& patch) {
  try {
    for (const FilePatch& part : parse_patch(patch, "x.patch", 1)) apply_patch(content, part, "x.patch");
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "no error: " << patch;
  return Error(ErrorCode::io, "none");
}

TEST(Patch, ChangesLines) {
  EXPECT_EQ(changed("a\nb\nc\n", "@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n"), "a\nB\nc\n");
  EXPECT_EQ(changed("a\nb\nc\n", "@@ -2,0 +3 @@\n+x\n"), "a\nb\nx\nc\n");
  EXPECT_EQ(changed("a\nb\nc\n", "@@ -2 +1,0 @@ some function\n-b\n"), "a\nc\n");
  EXPECT_EQ(changed("a\n\nc\n", "@@ -1,3 +1,3 @@\n a\n\n-c\n+d\n"), "a\n\nd\n");
  EXPECT_EQ(changed("", "@@ -0,0 +1 @@\n+x\n"), "x\n");
}

TEST(Patch, FindsLinesElsewhere) {
  EXPECT_EQ(changed("1\n2\n3\na\nb\nc\n", "@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n"), "1\n2\n3\na\nB\nc\n");
  // The nearest place, and behind the line before in front of it.
  EXPECT_EQ(changed("a\nb\nc\nx\na\nb\nc\n", "@@ -5,3 +5,3 @@\n a\n-b\n+B\n c\n"), "a\nb\nc\nx\na\nB\nc\n");
  EXPECT_EQ(changed("a\nb\nc\na\nb\nc\n", "@@ -2,3 +2,3 @@\n a\n-b\n+B\n c\n"), "a\nB\nc\na\nb\nc\n");
  // What one hunk was off by is expected of the next.
  EXPECT_EQ(changed("0\na\nb\nc\nq\nq\na\nb\nc\na\nb\nc\n",
                    "@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n@@ -8,3 +8,3 @@\n a\n-b\n+C\n c\n"),
            "0\na\nB\nc\nq\nq\na\nb\nc\na\nC\nc\n");
}

TEST(Patch, HoldsHunksToTheirEndOfTheFile) {
  EXPECT_EQ(changed("a\nb\n", "@@ -1,2 +1,3 @@\n+0\n a\n b\n"), "0\na\nb\n");
  EXPECT_EQ(failure("x\na\nb\n", "--- a/x\n+++ b/x\n@@ -1,2 +1,3 @@\n+0\n a\n b\n").code(),
            ErrorCode::conflict);
  EXPECT_EQ(changed("q\na\nb\n", "@@ -1,2 +1,3 @@\n a\n b\n+c\n"), "q\na\nb\nc\n");
  EXPECT_EQ(failure("a\nb\nq\n", "--- a/x\n+++ b/x\n@@ -1,2 +1,3 @@\n a\n b\n+c\n").code(),
            ErrorCode::conflict);
}

TEST(Patch, KnowsLastLinesWithoutNewline) {
  EXPECT_EQ(changed("a\nb", "@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+b\n"), "a\nb\n");
  EXPECT_EQ(changed("a\nb\n", "@@ -1,2 +1,2 @@\n a\n-b\n+b\n\\ No newline at end of file\n"), "a\nb");
  EXPECT_EQ(failure("a\nb", "--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n").code(), ErrorCode::conflict);
  EXPECT_EQ(failure("a\nb", "--- a/x\n+++ b/x\n@@ -2,0 +3 @@\n+c\n").code(), ErrorCode::conflict);
}

TEST(Patch, KeepsCarriageReturns) {
  EXPECT_EQ(changed("a\r\nb\r\n", "@@ -1,2 +1,2 @@\n a\r\n-b\r\n+c\r\n"), "a\r\nc\r\n");
  EXPECT_EQ(failure("a\nb\n", "--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n a\r\n-b\r\n+c\r\n").code(),
            ErrorCode::conflict);
  // The whole patch went through something that made its lines so.
  EXPECT_EQ(patched("a\nb\n", "--- a/x\r\n+++ b/x\r\n@@ -1,2 +1,2 @@\r\n a\r\n-b\r\n+c\r\n"), "a\nc\n");
}

TEST(Patch, TellsWhatBecomesOfFiles) {
  const auto parts = parse_patch(
      "prose\n"
      "--- /dev/null\n+++ b/new\n@@ -0,0 +1 @@\n+x\n"
      "--- a/old\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n"
      "--- a/then\t1970-01-01 01:00:00.000000000 +0100\n+++ b/then\t2020-01-01 00:00:00 +0000\n@@ -0,0 +1 "
      "@@\n+x\n"
      "--- a/gone\t2020-01-01 00:00:00 +0000\n+++ b/gone\t1969-12-31 19:00:00 -0500\n@@ -1 +0,0 @@\n-x\n"
      "diff --git a/p/e b/p/e\nnew file mode 100755\nindex 000..111\n"
      "diff --git a/p/r b/p/s\nsimilarity index 100%\nrename from p/r\nrename to p/s\n"
      "diff --git \"a/\\303\\244\" \"b/\\303\\244\"\nold mode 100644\nnew mode 100755\n"
      "diff --git a/d b/d\ndeleted file mode 100644\nindex 1..0\n"
      "diff --git a/t x b/t x\nindex 1..2 100644\n--- a/t x\t\n+++ b/t x\t\n@@ -1 +1 @@\n-a\n+b\n"
      "-- \n2.39.0\n",
      "x.patch", 1);
  using Kind = FilePatch::Kind;
  const std::vector<std::tuple<Kind, std::string, std::string>> expected{
      {Kind::create, "", "new"},  {Kind::remove, "old", ""}, {Kind::create, "", "then"},
      {Kind::remove, "gone", ""}, {Kind::create, "", "p/e"}, {Kind::rename, "p/r", "p/s"},
      {Kind::change, "ä", "ä"},   {Kind::remove, "d", ""},   {Kind::change, "t x", "t x"}};
  ASSERT_EQ(parts.size(), expected.size());
  for (std::size_t i = 0; i < parts.size(); ++i) {
    EXPECT_EQ(std::tuple(parts[i].kind, parts[i].old_path, parts[i].new_path), expected[i]) << i;
  }
  EXPECT_EQ(parts[0].line, 2U);
  EXPECT_EQ(parts[4].executable, true);
  EXPECT_EQ(parts[6].executable, true);
  EXPECT_EQ(parts[1].executable, std::nullopt);
}

TEST(Patch, RefusesWhatIsMalformed) {
  const auto at = [](const std::string& patch, ErrorCode code, std::size_t line) {
    const Error error = failure("a\n", patch);
    EXPECT_EQ(error.code(), code) << patch;
    EXPECT_EQ(error.place().line, line) << patch;
  };
  const std::string names = "--- a/x\n+++ b/x\n";
  at("hello\n", ErrorCode::bad_input, 0);
  at(names, ErrorCode::bad_input, 3);
  at("@@ -1 +1 @@\n-a\n+b\n", ErrorCode::bad_input, 1);
  at(names + "@@ -1 +1 @@\n-a\n", ErrorCode::bad_input, 3);
  at(names + "@@ -1,2 +1 @@\n-a\n+b\n", ErrorCode::bad_input, 3);
  at(names + "@@ -1 +1 @@\n-a\n+b\n+c\n", ErrorCode::bad_input, 6);
  at(names + "@@ -1 +1 @@\n-a\n c\n", ErrorCode::bad_input, 5);
  at(names + "@@ -x +1 @@\n-a\n+b\n", ErrorCode::bad_input, 3);
  at(names + "@@ -99999999999999999999 +1 @@\n-a\n+b\n", ErrorCode::bad_input, 3);
  at("--- x\n+++ x\n@@ -1 +1 @@\n-a\n+b\n", ErrorCode::bad_input, 2);
  at("--- /dev/null\n+++ /dev/null\n@@ -1 +1 @@\n-a\n+b\n", ErrorCode::bad_input, 2);
  at("--- \"a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n", ErrorCode::bad_input, 2);
  at("diff --git a/x b/y\nindex 1..2\n", ErrorCode::bad_input, 1);
  at("diff --git a/x b/x\nindex 1..2\nGIT binary patch\nliteral 3\n", ErrorCode::unsupported, 3);
  at("Binary files a/x and b/x differ\n", ErrorCode::unsupported, 1);
  at("*** a/x\n--- b/x\n***************\n", ErrorCode::unsupported, 3);
  at("diff --git a/x b/x\nnew file mode 120000\n", ErrorCode::unsupported, 2);
  at("--- a/x\n+++ /dev/null\n@@ -1 +0,0 @@\n-b\n", ErrorCode::conflict, 3);
  EXPECT_EQ(failure("a\nb\n", "--- a/x\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n").code(), ErrorCode::conflict);
  EXPECT_TRUE(parse_patch("", "x.patch", 1).empty());
}

TEST(Patch, SaysWhenItWasAppliedAlready) {
  const Error error = failure("a\nB\nc\n", "--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n");
  EXPECT_EQ(error.hint(), "what it would make is there already");
}

TEST(Patch, GivesUpWhereFindingAPlaceIsMadeToCostTooMuch) {
  std::string content;
  for (int i = 0; i < 60'000; ++i) content += "a\n";
  std::string hunk = "@@ -1,20001 +1,20001 @@\n";
  for (int i = 0; i < 20'000; ++i) hunk += " a\n";
  hunk += "-b\n+c\n";
  for (int i = 0; i < 20'000; ++i) hunk += " a\n";
  hunk.replace(0, hunk.find('\n'), "@@ -1,40001 +1,40001 @@");
  EXPECT_EQ(failure(content, "--- a/x\n+++ b/x\n" + hunk).code(), ErrorCode::bad_input);
}

}  // namespace
}  // namespace axle
