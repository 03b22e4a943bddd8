#include "axle/lock/program_settings.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "axle/base/error.h"

namespace axle {
namespace {

using Variable = ProgramSettings::Variable;

TEST(ProgramSettings, BecomeFlagsArgumentsAndVariables) {
  const ProgramSettings settings = parse_program_settings(
      "isolated = true\nutf8 = true\noptimize = 2\nbyte-code = false\nx = [\"importtime\"]\n"
      "warnings = [\"ignore\"]\narguments = [\"app:app\", \"--port\"]\nunset = [\"LD_PRELOAD\"]\n"
      "[set]\nA = \"$ORIGIN/x\"\n[default]\nB = \"\"\n",
      "app.toml");
  EXPECT_EQ(settings.flags,
            (std::vector<std::string>{"-I", "-B", "-OO", "-X", "utf8", "-X", "importtime", "-Wignore"}));
  EXPECT_EQ(settings.arguments, (std::vector<std::string>{"app:app", "--port"}));
  for (const Variable& variable :
       {Variable{Variable::Kind::set, "A", "$ORIGIN/x"}, Variable{Variable::Kind::set_default, "B", ""},
        Variable{Variable::Kind::unset, "LD_PRELOAD", ""}}) {
    EXPECT_NE(std::find(settings.environment.begin(), settings.environment.end(), variable),
              settings.environment.end())
        << variable.name;
  }
  EXPECT_EQ(parse_program_settings("", "app.toml"), ProgramSettings{});
  EXPECT_TRUE(parse_program_settings("isolated = false", "app.toml").flags.empty());
}

TEST(ProgramSettings, SayWhereTheyAreWrong) {
  for (const char* text : {"x", "nothing = 1", "optimize = 3", "utf8 = 1", "arguments = \"a\"",
                           "arguments = [1]", "set = 1", "[set]\n\"A=B\" = \"c\"", "[default]\nA = 1",
                           "unset = [\"\"]", "arguments = [\"a\\u0000b\"]", "\xff"}) {
    try {
      parse_program_settings(text, "app.toml");
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::bad_input) << text;
      EXPECT_EQ(error.place().file, "app.toml") << text;
    }
  }
}

}  // namespace
}  // namespace axle
