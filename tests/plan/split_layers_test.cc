#include "axle/plan/split_layers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "axle/base/error.h"
#include "axle/wheel/facts_builder.h"

namespace axle {
namespace {

WheelFacts wheel(const std::string& name, std::size_t bytes) {
  FactsBuilder builder;
  builder.name(name).version("1.0");
  builder.file(Scheme::purelib, name + "-1.0.dist-info/METADATA", "Name: " + name + "\n")
      .file(Scheme::purelib, "shared/" + name + "/data", std::string(bytes, 'x') + name)
      .file(Scheme::data, "share/" + name + "/doc.txt", name);
  return builder.build();
}

struct Made {
  Plan plan;
  std::vector<FlatEntry> flat;
  std::vector<LayerPart> parts;
};

Made split(const std::map<std::string, std::size_t>& wheels, const SplitRule& rule) {
  PlanInput input;
  input.interpreter = foreign_interpreter({"3.12.4", "manylinux_2_28_x86_64", "/usr/bin/python3.12"});
  input.layout = venv_layout(input.interpreter, "/env");
  for (const auto& [name, bytes] : wheels)
    input.wheels.push_back({wheel(name, bytes), false, std::nullopt, true});
  input.venv = VenvSpec{};
  input.script_interpreter = "/env/bin/python";
  Made made;
  made.plan = make_plan(input);
  made.flat = flatten(made.plan, std::vector<std::optional<WrittenFile>>(made.plan.entries.size()));
  made.parts = split_layers(made.plan, made.flat, rule);
  return made;
}

// Every file is in exactly one part, sorted, with all directories above it; nothing is lost.
void expect_whole(const Made& made) {
  std::multiset<std::string> seen;
  for (const LayerPart& part : made.parts) {
    std::set<std::string> dirs;
    for (std::size_t i = 0; i < part.entries.size(); ++i) {
      const FlatEntry& entry = part.entries[i];
      if (i > 0) {
        EXPECT_TRUE(compare_paths(part.entries[i - 1].path, entry.path) < 0) << entry.path;
      }
      const std::size_t slash = entry.path.rfind('/');
      if (!entry.path.empty()) {
        EXPECT_TRUE(dirs.contains(slash == std::string::npos ? "" : entry.path.substr(0, slash)))
            << entry.path;
      }
      if (entry.kind == FlatKind::directory) dirs.insert(entry.path);
      if (entry.kind != FlatKind::directory) seen.insert(entry.path);
    }
  }
  std::multiset<std::string> wanted;
  for (const FlatEntry& entry : made.flat) {
    if (entry.kind != FlatKind::directory) wanted.insert(entry.path);
  }
  EXPECT_EQ(seen, wanted);
}

TEST(SplitLayers, MakesOneOfAllByDefault) {
  const Made made = split({{"b", 10}, {"a", 10}}, {});
  ASSERT_EQ(made.parts.size(), 1U);
  EXPECT_EQ(made.parts[0].distributions, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(made.parts[0].entries.size(), made.flat.size());
  expect_whole(made);
}

TEST(SplitLayers, GivesEveryPackageItsOwn) {
  const Made made = split({{"b", 10}, {"a", 10}}, {SplitBy::package, 0});
  ASSERT_EQ(made.parts.size(), 3U);
  EXPECT_EQ(made.parts[0].name, "");
  EXPECT_EQ(made.parts[1].name, "a");
  EXPECT_EQ(made.parts[2].name, "b");
  expect_whole(made);
}

TEST(SplitLayers, KeepsGroupsWithinTheirSize) {
  std::map<std::string, std::size_t> wheels;
  for (int i = 0; i < 40; ++i) wheels["p" + std::to_string(i)] = 1000 + 10 * static_cast<std::size_t>(i);
  wheels["big"] = 50'000;
  const Made made = split(wheels, {SplitBy::size, 8000});
  expect_whole(made);
  EXPECT_LT(made.parts.size(), 20U);
  for (const LayerPart& part : made.parts) {
    std::size_t bytes = 0;
    for (const std::string& name : part.distributions) bytes += wheels[name];
    EXPECT_TRUE(bytes <= 8000 || part.distributions.size() == 1) << part.name;
  }
}

TEST(SplitLayers, ChangesOnlyTheGroupOfWhatChanges) {
  std::map<std::string, std::size_t> wheels;
  for (int i = 0; i < 40; ++i) wheels["p" + std::to_string(i)] = 1000;
  const SplitRule rule{SplitBy::size, 9000};
  const auto groups = [&] {
    std::set<std::vector<std::string>> found;
    for (const LayerPart& part : split(wheels, rule).parts) found.insert(part.distributions);
    return found;
  };
  const auto before = groups();
  wheels["added"] = 10;
  const auto after = groups();
  std::vector<std::vector<std::string>> changed;
  std::set_difference(before.begin(), before.end(), after.begin(), after.end(), std::back_inserter(changed));
  EXPECT_EQ(changed.size(), 1U);
}

TEST(SplitLayers, GroupsMorePackagesThanEnginesMount) {
  std::map<std::string, std::size_t> wheels;
  for (int i = 0; i < 300; ++i) wheels["p" + std::to_string(i)] = 10;
  const auto groups = [&] {
    const Made made = split(wheels, {SplitBy::package, 0});
    expect_whole(made);
    std::set<std::vector<std::string>> found;
    for (const LayerPart& part : made.parts) found.insert(part.distributions);
    return found;
  };
  const auto before = groups();
  EXPECT_LE(before.size(), 65U);
  EXPECT_GE(before.size(), 60U);
  wheels.erase("p7");
  wheels["another"] = 10;
  const auto after = groups();
  std::vector<std::vector<std::string>> same;
  std::set_intersection(before.begin(), before.end(), after.begin(), after.end(), std::back_inserter(same));
  EXPECT_GE(same.size(), before.size() - 2);
}

TEST(SplitLayers, ReadsHowToSplit) {
  EXPECT_EQ(parse_split("none").by, SplitBy::none);
  EXPECT_EQ(parse_split("package").by, SplitBy::package);
  EXPECT_EQ(parse_split("size:50M").bytes, 50U << 20);
  EXPECT_EQ(parse_split("size:7").bytes, 7U);
  for (const char* wrong :
       {"size:", "size:0", "size:M", "size:-1", "size:1X", "size:99999999999G", "packages"}) {
    EXPECT_THROW(parse_split(wrong), Error) << wrong;
  }
}

}  // namespace
}  // namespace axle
