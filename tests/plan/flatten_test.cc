#include "axle/plan/flatten.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "axle/wheel/facts_builder.h"

namespace axle {
namespace {

WheelFacts wheel(std::string_view name, const std::vector<std::pair<std::string, std::string>>& files) {
  FactsBuilder builder;
  builder.name(name).version("1.0");
  builder.file(Scheme::purelib, std::string(name) + "-1.0.dist-info/METADATA", "Name: x\n");
  for (const auto& [path, content] : files) builder.file(Scheme::purelib, path, content);
  return builder.build();
}

Plan plan_of(std::vector<WheelFacts> wheels, bool skeleton = true) {
  PlanInput input;
  input.interpreter = foreign_interpreter({"3.12.4", "manylinux_2_28_x86_64", "/usr/bin/python3.12"});
  input.layout = venv_layout(input.interpreter, "/env");
  for (WheelFacts& facts : wheels) input.wheels.push_back({std::move(facts), false, std::nullopt, true});
  if (skeleton) input.venv = VenvSpec{};
  input.script_interpreter = "/env/bin/python";
  return make_plan(input);
}

std::vector<std::optional<WrittenFile>> nothing_made(const Plan& plan) {
  return std::vector<std::optional<WrittenFile>>(plan.entries.size());
}

const FlatEntry* find(const std::vector<FlatEntry>& flat, std::string_view path) {
  const auto found =
      std::find_if(flat.begin(), flat.end(), [&](const FlatEntry& entry) { return entry.path == path; });
  return found == flat.end() ? nullptr : &*found;
}

const std::string site = "lib/python3.12/site-packages/";

TEST(Flatten, ListsEveryPathOnceInOrderBelowItsDirectory) {
  const Plan plan = plan_of({wheel("a", {{"a/__init__.py", ""},
                                         {"a/sub/deep/x.py", "x"},
                                         {"a/sub.py", "s"},
                                         {"a-b/y.py", "y"},
                                         {"shared/one.py", "1"}}),
                             wheel("b", {{"shared/two.py", "2"}, {"b.py", "b"}})});
  const std::vector<FlatEntry> flat = flatten(plan, nothing_made(plan));
  EXPECT_EQ(flat.front().path, "");
  for (std::size_t i = 1; i < flat.size(); ++i) {
    EXPECT_TRUE(compare_paths(flat[i - 1].path, flat[i].path) < 0) << flat[i].path;
    const std::size_t slash = flat[i].path.rfind('/');
    const FlatEntry* parent =
        find(flat, slash == std::string::npos ? "" : std::string_view(flat[i].path).substr(0, slash));
    ASSERT_NE(parent, nullptr) << flat[i].path;
    EXPECT_EQ(parent->kind, FlatKind::directory);
  }
  for (const char* path :
       {"a/sub/deep/x.py", "a/sub.py", "a-b/y.py", "shared/one.py", "shared/two.py", "b.py"}) {
    const FlatEntry* entry = find(flat, site + path);
    ASSERT_NE(entry, nullptr) << path;
    EXPECT_TRUE(std::holds_alternative<StoreFile>(entry->content));
  }
  EXPECT_EQ(find(flat, site + "shared/two.py")->owner, 1U);
  EXPECT_EQ(find(flat, "pyvenv.cfg")->owner, environment_itself);
  EXPECT_EQ(find(flat, "bin/python")->kind, FlatKind::symlink);
  EXPECT_EQ(find(flat, "bin/python")->target, "/usr/bin/python3.12");
}

TEST(Flatten, KnowsTheDigestOfEveryFileAndTheTextOfEachRecord) {
  const Plan plan = plan_of({wheel("a", {{"a/__init__.py", "a = 1\n"}})});
  const std::vector<FlatEntry> flat = flatten(plan, nothing_made(plan));
  for (const FlatEntry& entry : flat) {
    if (entry.kind == FlatKind::file) {
      EXPECT_TRUE(entry.written) << entry.path;
    }
  }
  const FlatEntry* record = find(flat, site + "a-1.0.dist-info/RECORD");
  ASSERT_NE(record, nullptr);
  const std::string& text = std::get<RecordBytes>(record->content).bytes;
  EXPECT_EQ(text, render_record(plan, 0, nothing_made(plan)));
  EXPECT_EQ(record->written->sha256, Sha256::of(text));
}

TEST(Flatten, NeedsNoDigestsWhenNobodyWantsRecords) {
  const Plan plan = plan_of({wheel("a", {{"a/__init__.py", "a = 1\n"}})}, false);
  const FlatEntry* record = nullptr;
  const std::vector<FlatEntry> flat = flatten(plan, {});
  record = find(flat, site + "a-1.0.dist-info/RECORD");
  ASSERT_NE(record, nullptr);
  EXPECT_FALSE(record->written);
}

TEST(Flatten, LinksEqualFilesButNotEmptyOnesAndNotOthersModes) {
  FactsBuilder builder;
  builder.name("a").version("1.0");
  builder.file(Scheme::purelib, "a-1.0.dist-info/METADATA", "Name: a\n")
      .file(Scheme::purelib, "a/one.txt", "same")
      .file(Scheme::purelib, "a/two.txt", "same")
      .file(Scheme::purelib, "a/empty1", "")
      .file(Scheme::purelib, "a/empty2", "")
      .file(Scheme::purelib, "a/run", "same", file_flag::executable);
  const Plan plan = plan_of({builder.build()});
  std::vector<FlatEntry> flat = flatten(plan, nothing_made(plan));
  link_equal_files(flat);
  EXPECT_EQ(find(flat, site + "a/one.txt")->kind, FlatKind::file);
  const FlatEntry* two = find(flat, site + "a/two.txt");
  EXPECT_EQ(two->kind, FlatKind::hardlink);
  EXPECT_EQ(flat[two->link_to].path, site + "a/one.txt");
  EXPECT_EQ(find(flat, site + "a/empty2")->kind, FlatKind::file);
  EXPECT_EQ(find(flat, site + "a/run")->kind, FlatKind::file);
}

TEST(Flatten, GivesNoFileMoreLinksThanFileSystemsTake) {
  std::vector<std::pair<std::string, std::string>> files;
  for (std::uint32_t i = 0; i < 2 * max_flat_links + 10; ++i) {
    files.emplace_back("a/f" + std::to_string(i), "same");
  }
  const Plan plan = plan_of({wheel("a", files)});
  std::vector<FlatEntry> flat = flatten(plan, nothing_made(plan));
  link_equal_files(flat);
  std::vector<std::uint32_t> links(flat.size());
  for (const FlatEntry& entry : flat) {
    if (entry.kind == FlatKind::hardlink) ++links[entry.link_to];
  }
  EXPECT_EQ(*std::max_element(links.begin(), links.end()), max_flat_links);
  EXPECT_EQ(std::count_if(flat.begin(), flat.end(),
                          [](const FlatEntry& entry) {
                            return entry.path.find("/a/f") != std::string::npos &&
                                   entry.kind == FlatKind::file;
                          }),
            3);
}

}  // namespace
}  // namespace axle
