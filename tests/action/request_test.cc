#include "action/request.h"

#include <gtest/gtest.h>

#include "axle/base/error.h"

namespace axle {
namespace {

ActionRequest request(const std::vector<std::string>& arguments) { return parse_request(arguments); }

ErrorCode code_of(const std::vector<std::string>& arguments) {
  try {
    parse_request(arguments);
  } catch (const Error& error) {
    return error.code();
  }
  ADD_FAILURE() << "no error";
  return ErrorCode::io;
}

TEST(ActionRequest, TakesOptionsInBothForms) {
  const ActionRequest r = request({"unpack", "--wheel=a b.whl", "--sha256", std::string(64, 'a'), "--into",
                                   "out", "--python-version=3.12", "--stamp", "s", "--times=17"});
  EXPECT_EQ(r.operation, Operation::unpack);
  ASSERT_EQ(r.sources.size(), 1U);
  EXPECT_EQ(r.sources[0].path, "a b.whl");
  EXPECT_EQ(r.sources[0].hashes.size(), 1U);
  EXPECT_EQ(r.into, "out");
  EXPECT_EQ(r.time, 17);
  EXPECT_EQ(r.policy.relocatable, Relocatable::yes);
}

TEST(ActionRequest, TakesLettersWithTheirValues) {
  const ActionRequest r = request({"inspect", "a.whl", "-j3", "-fdir", "-ohere"});
  EXPECT_EQ(r.jobs, 3U);
  EXPECT_EQ(r.output, "here");
  EXPECT_EQ(code_of({"inspect", "a.whl", "-qx"}), ErrorCode::usage);
}

TEST(ActionRequest, TakesOneOutputUnderEitherName) {
  EXPECT_EQ(request({"unpack", "a.whl", "-o", "out", "--python-version", "3.12"}).into, "out");
  EXPECT_EQ(request({"inspect", "a.whl", "-o", "out"}).output, "out");
  EXPECT_EQ(code_of({"unpack", "a.whl", "--into", "x", "-o", "x", "--python-version", "3.12"}),
            ErrorCode::usage);
}

TEST(ActionRequest, KeepsInputsAndOutputsApart) {
  const auto unpacks = [](const std::string& wheel, const std::string& into, const std::string& stamp) {
    return code_of({"unpack", "--wheel", wheel, "--into", into, "--python-version=3.12", "--stamp", stamp});
  };
  // The tree takes the place of all that is there.
  EXPECT_EQ(unpacks("d/a.whl", "d", "s"), ErrorCode::usage);
  EXPECT_EQ(unpacks("d/e/a.whl", "./d/", "s"), ErrorCode::usage);
  EXPECT_EQ(unpacks("/d/a.whl", "/x/../d", "s"), ErrorCode::usage);
  EXPECT_EQ(unpacks("a.whl", "d", "./d/s"), ErrorCode::usage);
  EXPECT_EQ(unpacks("a.whl", "d", "e/../a.whl"), ErrorCode::usage);
  const auto merges = [](const std::string& tree, const std::string& into) {
    return code_of({"merge", "--tree", tree, "--into", into, "--python-version=3.12"});
  };
  EXPECT_EQ(merges("t", "./t"), ErrorCode::usage);
  EXPECT_EQ(merges("t/", "t"), ErrorCode::usage);
  EXPECT_EQ(merges("t", "t/x"), ErrorCode::usage);
  EXPECT_EQ(merges("t/x", "t"), ErrorCode::usage);
  EXPECT_EQ(request({"merge", "--tree", "t", "--tree", "t", "--into", "../t", "--python-version=3.12"}).into,
            "../t");
  EXPECT_EQ(request({"unpack", "d/a.whl", "--into", "da", "--python-version=3.12", "--stamp", "da.s"}).stamp,
            "da.s");
}

TEST(ActionRequest, TakesChangesOfAWheelAsRulesPyGivesThem) {
  const ActionRequest r = request({"--into",      "o",
                                   "unpack",      "--wheel",
                                   "a.whl",       "--python-version",
                                   "3.12",        "--patch",
                                   "p",           "--patch",
                                   "q",           "--patch-strip",
                                   "1",           "--patch-tool",
                                   "patch",       "--preserve-path",
                                   "a",           "--compile-pyc",
                                   "py",          "--pyc-invalidation-mode",
                                   "checked-hash"});
  EXPECT_EQ(r.patches, (std::vector<std::string>{"p", "q"}));
  EXPECT_EQ(r.patch_strip, 1U);
  EXPECT_EQ(r.preserved, std::vector<std::string>{"a"});
  EXPECT_EQ(r.compiler, "py");
  EXPECT_EQ(r.pyc_check, PycCheck::checked);
}

TEST(ActionRequest, TakesShortOptionsAsEveryCommandDoes) {
  const ActionRequest r =
      request({"unpack", "a.whl", "-oout", "-qj2", "-f/tmp", "-v", "-i", "x", "--python-version=3.12"});
  EXPECT_EQ(r.into, "out");
  EXPECT_TRUE(r.quiet);
  EXPECT_EQ(r.jobs, 2U);
  EXPECT_TRUE(request({"unpack", "a.whl", "-vq", "-o", "out", "--python-version=3.12"}).quiet);
  EXPECT_EQ(code_of({"unpack", "a.whl", "-qz", "-oout", "--python-version=3.12"}), ErrorCode::usage);
  EXPECT_EQ(code_of({"unpack", "a.whl", "-j2x", "-oout", "--python-version=3.12"}), ErrorCode::usage);
  EXPECT_EQ(code_of({"unpack", "a.whl", "-qj"}), ErrorCode::usage);
  EXPECT_TRUE(takes_value("-j"));
  EXPECT_TRUE(takes_value("-qj"));
  EXPECT_FALSE(takes_value("-j2"));
  EXPECT_FALSE(takes_value("-f/tmp"));
  EXPECT_FALSE(takes_value("-q"));
}

TEST(ActionRequest, ChecksLaunchersAndLayers) {
  EXPECT_EQ(request({"launcher", "--entry", "a:b", "--output", "x"}).entry, "a:b");
  EXPECT_EQ(code_of({"launcher", "--output", "x"}), ErrorCode::usage);
  EXPECT_EQ(code_of({"launcher", "--entry", "a:b", "--output", "x", "--launcher", "script"}),
            ErrorCode::usage);
  EXPECT_EQ(request({"layer", "a.whl", "-o", "x.tar", "--python-version", "3.12"}).image_path, "/opt/venv");
  EXPECT_EQ(code_of({"layer", "tree", "-o", "x.tar", "--python-version", "3.12"}), ErrorCode::usage);
  EXPECT_EQ(code_of({"layer", "a.whl", "-o", "x.tar"}), ErrorCode::usage);
  EXPECT_EQ(code_of({"layer", "a.whl", "-o", "x.tar", "--python-version", "3.12", "--venv", "opt"}),
            ErrorCode::usage);
}

TEST(ActionRequest, KeepsTheOrderOfSourcesAndGivesThemTheirFacts) {
  const ActionRequest r = request({"action", "merge", "--tree", "t", "--facts", "t.facts", "--wheel", "w.whl",
                                   "--src", "u", "x.whl", "v", "--into", "out", "--python-version", "3.12"});
  ASSERT_EQ(r.sources.size(), 5U);
  EXPECT_EQ(r.sources[0].facts, "t.facts");
  EXPECT_EQ(r.sources[1].facts, "");
  EXPECT_EQ(r.sources[2].kind, ActionSource::Kind::tree);
  EXPECT_EQ(r.sources[3].kind, ActionSource::Kind::wheel);
  EXPECT_EQ(r.sources[4].kind, ActionSource::Kind::tree);
}

TEST(ActionRequest, IgnoresCommonOptionsWithoutMeaning) {
  const ActionRequest r = request({"inspect", "--store", "x", "--offline", "--color=never", "w.whl", "-v"});
  EXPECT_EQ(r.sources.size(), 1U);
}

TEST(ActionRequest, RefusesWhatMakesNoSense) {
  EXPECT_EQ(code_of({}), ErrorCode::usage);
  EXPECT_EQ(code_of({"fetch"}), ErrorCode::usage);
  EXPECT_EQ(code_of({"unpack", "--into", "out", "--python-version", "3.12"}), ErrorCode::usage);
  EXPECT_EQ(code_of({"unpack", "a.whl", "b.whl", "--into", "out", "--python-version", "3.12"}),
            ErrorCode::usage);
  EXPECT_EQ(code_of({"unpack", "a.whl", "--python-version", "3.12"}), ErrorCode::usage);
  EXPECT_EQ(code_of({"unpack", "a.whl", "--into", "out"}), ErrorCode::usage);
  EXPECT_EQ(code_of({"unpack", "a.whl", "--into"}), ErrorCode::usage);
  EXPECT_EQ(code_of({"unpack", "a.whl", "--no-such-option"}), ErrorCode::usage);
  EXPECT_EQ(code_of({"unpack", "a.whl", "--json=1"}), ErrorCode::usage);
  EXPECT_EQ(code_of({"unpack", "a.whl", "--layout=round"}), ErrorCode::usage);
  EXPECT_EQ(code_of({"unpack", "--sha256", std::string(64, 'a'), "a.whl"}), ErrorCode::usage);
  // Byte-code is made of wheels, wherever they are unpacked.
  EXPECT_EQ(
      code_of({"merge", "--tree", "t", "--into", "o", "--python-version", "3.12", "--compile-pyc", "p"}),
      ErrorCode::usage);
  EXPECT_EQ(code_of({"inspect", "a.whl", "--compile-pyc", "p"}), ErrorCode::usage);
  EXPECT_EQ(code_of({"venv", "a.whl", "--into", "o", "--python-version", "3.12", "--compile-pyc", "p",
                     "--patch", "q"}),
            ErrorCode::usage);
  for (const std::string option : {"--patch", "--preserve-path"}) {
    EXPECT_EQ(code_of({"merge", "a.whl", "--into", "o", "--python-version", "3.12", option, "p"}),
              ErrorCode::usage);
    EXPECT_EQ(code_of({"layer", "a.whl", "-o", "o.tar", "--python-version", "3.12", option, "p"}),
              ErrorCode::usage);
    EXPECT_EQ(
        code_of({"unpack", "a.whl", "--into", "o", "--python-version", "3.12", "--dry-run", option, "p"}),
        ErrorCode::usage);
  }
  EXPECT_EQ(code_of({"unpack", "a.whl", "--patch", "p", "--into", "p", "--python-version", "3.12"}),
            ErrorCode::usage);
  EXPECT_EQ(code_of({"unpack", "a.whl", "--pyc-invalidation-mode", "timestamp"}), ErrorCode::unsupported);
  EXPECT_EQ(code_of({"unpack", "a.whl", "--compile"}), ErrorCode::unsupported);
  EXPECT_EQ(code_of({"unpack", "a.whl", "--launcher-flags", "-m"}), ErrorCode::usage);
  EXPECT_EQ(code_of({"unpack", "a.whl", "--into", "o", "--python-version", "3.12", "--launcher-env", "A=1"}),
            ErrorCode::usage);
}

TEST(ActionRequest, RefusesOutputsThatAreOneOrLieInTheTree) {
  const auto unpack = [](std::vector<std::string> more) {
    std::vector<std::string> all{"unpack", "a.whl", "--into", "out", "--python-version", "3.12"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  EXPECT_EQ(code_of(unpack({"--stamp", "x", "--depfile", "x"})), ErrorCode::usage);
  EXPECT_EQ(code_of(unpack({"--stamp", "a.whl"})), ErrorCode::usage);
  EXPECT_EQ(code_of(unpack({"--stamp", "out/stamp"})), ErrorCode::usage);
  EXPECT_EQ(code_of(unpack({"--dyndep", "x"})), ErrorCode::usage);
  EXPECT_NO_THROW(parse_request(unpack({"--dyndep", "x", "--stamp", "out.stamp"})));
}

TEST(ActionRequest, KnowsWhichOptionsTakeTheNextArgument) {
  EXPECT_TRUE(takes_value("--into"));
  EXPECT_TRUE(takes_value("--store"));
  EXPECT_FALSE(takes_value("--into=x"));
  EXPECT_FALSE(takes_value("--json"));
  EXPECT_FALSE(takes_value("--offline"));
}

}  // namespace
}  // namespace axle
