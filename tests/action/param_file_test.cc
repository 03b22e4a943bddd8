#include "action/param_file.h"

#include <gtest/gtest.h>

#include <map>

#include "axle/base/error.h"

namespace axle {
namespace {

using Words = std::vector<std::string>;

Words parsed(std::string_view text, ParamStyle style = ParamStyle::automatic) {
  return parse_params(text, style, "args");
}

TEST(Params, KeepsBlankLinesAndCommentsOfRawFiles) {
  EXPECT_EQ(parsed("unpack\n\n# no comment\n--into=a b\n", ParamStyle::multiline),
            (Words{"unpack", "", "# no comment", "--into=a b"}));
  EXPECT_EQ(parsed("a b\r\nc"), (Words{"a b", "c"}));
  EXPECT_EQ(parsed(""), Words{});
}

TEST(Params, KnowsBazelsQuotingByItself) {
  EXPECT_EQ(parsed("unpack\n--into\n'a b/it'\\''s'\n''\n"), (Words{"unpack", "--into", "a b/it's", ""}));
  EXPECT_EQ(parsed("'two\nlines'\nx"), (Words{"two\nlines", "x"}));
  // A quote in something that is not quoted throughout is a quote.
  EXPECT_EQ(parsed("it's here\nx y"), (Words{"it's here", "x y"}));
  EXPECT_EQ(parsed("'open\n"), (Words{"'open"}));
}

TEST(Params, SplitsAsShellsDoWhenTold) {
  EXPECT_EQ(parsed("a  b\\ c \"d \\\"e\\\" \\x\" 'f\ng' ''", ParamStyle::shell),
            (Words{"a", "b c", "d \"e\" \\x", "f\ng", ""}));
  try {
    parsed("a\nb 'c", ParamStyle::shell);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::bad_input);
    EXPECT_EQ(error.place().line, 2U);
  }
}

class Expansion : public testing::Test {
 protected:
  Words expand(const Words& arguments) {
    return expand_params(arguments, [this](const std::string& path) { return files.at(path); });
  }
  std::map<std::string, std::string> files;
};

TEST_F(Expansion, TakesFilesInAtAnyPlaceMoreThanOnce) {
  files["p"] = "--wheel=a b.whl\n@q\n";
  files["q"] = "@@literal\n";
  EXPECT_EQ(
      expand({"unpack", "@p", "x", "--flagfile=q", "-flagfile=q", "--flagfile", "q", "@", "@@y"}),
      (Words{"unpack", "--wheel=a b.whl", "@literal", "x", "@literal", "@literal", "@literal", "@", "@y"}));
}

TEST_F(Expansion, ObeysTheStyleThatIsNamed) {
  files["p"] = "'a b'\n";
  EXPECT_EQ(expand({"@p", "--param-style=multiline", "@p", "--param-style", "shell", "@p"}),
            (Words{"a b", "'a b'", "a b"}));
  EXPECT_THROW(expand({"--param-style=odd"}), Error);
  EXPECT_THROW(expand({"--flagfile"}), Error);
}

TEST_F(Expansion, EndsWithFilesThatNameThemselves) {
  files["p"] = "@p\n@p\n";
  EXPECT_THROW(expand({"@p"}), Error);
  // Ten files of nothing but the next one, a hundred times each.
  for (int i = 0; i < 10; ++i) {
    std::string& text = files["f" + std::to_string(i)];
    for (int j = 0; j < 100; ++j) text += "@f" + std::to_string(i + 1) + "\n";
  }
  files["f10"] = "";
  EXPECT_THROW(expand({"@f0"}), Error);
}

}  // namespace
}  // namespace axle
