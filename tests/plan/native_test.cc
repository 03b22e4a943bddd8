// Native objects in plans: what is linked, what is real, what is edited.

#include <gtest/gtest.h>

#include <algorithm>

#include "axle/object/object_facts.h"
#include "axle/plan/links.h"
#include "axle/plan/plan.h"
#include "axle/wheel/facts_builder.h"

namespace axle {
namespace {

using Strings = std::vector<std::string>;

const std::string site = "lib/python3.12/site-packages/";

ObjectFacts library(Strings needed, std::optional<std::string> runpath = {}) {
  ObjectFacts facts;
  facts.kind = ObjectFacts::Kind::shared_library;
  facts.machine = "x86_64";
  facts.bits = 64;
  facts.needed = std::move(needed);
  facts.runpath = std::move(runpath);
  return facts;
}

ObjectFacts mac_library(Strings needed, Strings rpaths) {
  ObjectFacts facts = library(std::move(needed));
  facts.format = ObjectFacts::Format::macho;
  facts.machine = "arm64";
  facts.rpaths = std::move(rpaths);
  return facts;
}

// A wheel for platlib, which grows by objects; each has bytes of its own.
class NativeWheel {
 public:
  explicit NativeWheel(const std::string& name) : name_(name) {
    builder_.name(name).version("1.0").root_scheme(Scheme::platlib);
    builder_.archive(name + "-1.0-py3-none-any.whl", 1, Sha256::of(name));
    builder_.file(Scheme::platlib, name + "-1.0.dist-info/METADATA", "Name: " + name + "\n");
  }
  NativeWheel& file(const std::string& path) {
    builder_.file(Scheme::platlib, path, name_ + path);
    return *this;
  }
  NativeWheel& object(const std::string& path, ObjectFacts facts, std::string bytes = {}) {
    if (facts.kind == ObjectFacts::Kind::shared_library) facts.soname = path.substr(path.rfind('/') + 1);
    const bool runs = facts.kind == ObjectFacts::Kind::executable;
    const auto flags = static_cast<std::uint16_t>(file_flag::native | (runs ? file_flag::executable : 0));
    builder_.file(Scheme::platlib, path, bytes.empty() ? name_ + path : bytes, flags).object(facts);
    return *this;
  }
  NativeWheel& requires_dist(const std::string& name) {
    builder_.requires_dist(name);
    return *this;
  }
  WheelFacts build() const { return builder_.build(); }

 private:
  std::string name_;
  FactsBuilder builder_;
};

PlanInput input_for(std::vector<WheelFacts> wheels, const std::string& platform = "manylinux_2_28_x86_64") {
  PlanInput input;
  input.interpreter = foreign_interpreter({"3.12.4", platform, ""});
  input.layout = venv_layout(input.interpreter, "/env");
  for (WheelFacts& facts : wheels) input.wheels.push_back({std::move(facts), false, std::nullopt, true});
  input.script_interpreter = "/env/bin/python";
  return input;
}

PlanInput linked(std::vector<WheelFacts> wheels, const std::string& platform = "manylinux_2_28_x86_64") {
  PlanInput input = input_for(std::move(wheels), platform);
  input.policy.link_mode = LinkMode::symlink;
  return input;
}

const Entry* find(const Plan& plan, const std::string& path) {
  const auto found = std::find_if(plan.entries.begin(), plan.entries.end(),
                                  [&](const Entry& entry) { return entry.path.str() == site + path; });
  return found == plan.entries.end() ? nullptr : &*found;
}

bool is_linked_tree(const Plan& plan, const std::string& path) {
  const Entry* entry = find(plan, path);
  return entry != nullptr && std::holds_alternative<StoreTree>(entry->content) && entry->lay == Lay::link;
}

bool is_linked_file(const Plan& plan, const std::string& path) {
  const Entry* entry = find(plan, path);
  return entry != nullptr && std::holds_alternative<StoreFile>(entry->content) && entry->lay == Lay::link;
}

std::size_t misses(const Plan& plan, const std::string& platform = "manylinux_2_28_x86_64") {
  const PlannedLinks links = describe_links(plan);
  const LinkReport report = find_links(links.tree, platform_link_policy(platform));
  return static_cast<std::size_t>(
      std::count_if(report.verdicts.begin(), report.verdicts.end(),
                    [](const LinkVerdict& verdict) { return severity_of(verdict.kind) != Severity::note; }));
}

std::vector<WheelFacts> crossing() {
  return {NativeWheel("a")
              .object("a/lib/liba.so", library({"libb.so"}, "$ORIGIN/../../b/lib"))
              .file("a/lib/deep/data.txt")
              .file("a/other/data.txt")
              .build(),
          NativeWheel("b").object("b/lib/libb.so", library({})).file("b/data.txt").build()};
}

TEST(ChooseLinks, MakesDirectoriesRealWhereAUsedPathLeavesThem) {
  const Plan plan = make_plan(linked(crossing()));
  EXPECT_TRUE(is_linked_file(plan, "a/lib/liba.so"));
  EXPECT_TRUE(is_linked_tree(plan, "a/lib/deep"));
  EXPECT_TRUE(is_linked_tree(plan, "a/other"));
  EXPECT_TRUE(is_linked_tree(plan, "b"));
  EXPECT_EQ(misses(plan), 0U);
}

TEST(ChooseLinks, LeavesAWheelsOwnPathsAlone) {
  const Plan plan = make_plan(linked({NativeWheel("a")
                                          .object("a/_x.so", library({"libown-1.so"}, "$ORIGIN/../a.libs"))
                                          .object("a.libs/libown-1.so", library({}))
                                          .build(),
                                      NativeWheel("b").object("b/libb.so", library({})).build()}));
  EXPECT_TRUE(is_linked_tree(plan, "a"));
  EXPECT_TRUE(is_linked_tree(plan, "a.libs"));
  EXPECT_EQ(misses(plan), 0U);
}

TEST(ChooseLinks, FollowsChainsAndPathsThatOnlyDlopenUses) {
  std::vector<WheelFacts> wheels = crossing();
  wheels.push_back(
      NativeWheel("c").object("c/x/libc_.so", library({"liba.so"}, "$ORIGIN/../../a/lib")).build());
  wheels.push_back(
      NativeWheel("d").object("d/libd.so", library({}, "$ORIGIN/../b/lib:$ORIGIN/../nowhere")).build());
  wheels.push_back(NativeWheel("e").object("e/libe.so", library({}, "$ORIGIN/../nowhere")).build());
  const Plan plan = make_plan(linked(wheels));
  EXPECT_TRUE(is_linked_file(plan, "c/x/libc_.so"));
  EXPECT_TRUE(is_linked_file(plan, "d/libd.so"));
  EXPECT_TRUE(is_linked_tree(plan, "e"));
  EXPECT_EQ(misses(plan), 0U);
}

TEST(ChooseLinks, LaysProgramsThatReachOtherDistributionsAsFiles) {
  ObjectFacts program = library({"libb.so"}, "$ORIGIN/../../b/lib");
  program.kind = ObjectFacts::Kind::executable;
  ObjectFacts own = library({"libown.so"}, "$ORIGIN/../lib");
  own.kind = ObjectFacts::Kind::executable;
  const Plan plan = make_plan(
      linked({NativeWheel("a").object("a/bin/tool", program).build(),
              NativeWheel("b").object("b/lib/libb.so", library({})).build(),
              NativeWheel("c").object("c/bin/tool", own).object("c/lib/libown.so", library({})).build()}));
  const Entry* tool = find(plan, "a/bin/tool");
  ASSERT_NE(tool, nullptr);
  EXPECT_EQ(tool->lay, Lay::file);
  EXPECT_TRUE(is_linked_tree(plan, "c"));
  EXPECT_EQ(misses(plan), 0U);
}

TEST(ChooseLinks, LaysLibrariesOfMacOsThatReachOtherDistributionsAsFiles) {
  const std::string platform = "macosx_14_0_arm64";
  const Plan plan = make_plan(linked(
      {NativeWheel("a")
           .object("a/lib/liba.dylib", mac_library({"@rpath/libb.dylib"}, {"@loader_path/../../b/lib"}))
           .build(),
       NativeWheel("b").object("b/lib/libb.dylib", mac_library({}, {})).build(),
       NativeWheel("c")
           .object("c/libc.dylib", mac_library({"@loader_path/.dylibs/libd.dylib"}, {}))
           .object("c/.dylibs/libd.dylib", mac_library({}, {}))
           .build()},
      platform));
  const Entry* object = find(plan, "a/lib/liba.dylib");
  ASSERT_NE(object, nullptr);
  EXPECT_EQ(object->lay, Lay::file);
  EXPECT_TRUE(is_linked_tree(plan, "b"));
  EXPECT_TRUE(is_linked_tree(plan, "c"));
  EXPECT_EQ(misses(plan, platform), 0U);
}

// Windows has no links into this machine's store.
TEST(ChooseLinks, LaysFilesForWindowsAndSaysSoOnce) {
  ObjectFacts extension = library({"z-1a2b.dll", "python312.dll"});
  ObjectFacts vendored = library({"KERNEL32.dll"});
  for (ObjectFacts* facts : {&extension, &vendored}) facts->format = ObjectFacts::Format::pe;
  const std::string platform = "win_amd64";
  PlanInput input =
      linked({NativeWheel("a").object("a/_x.pyd", extension).object("a.libs/z-1a2b.dll", vendored).build()},
             platform);
  const Plan plan = make_plan(input);
  const PlannedLinks links = describe_links(plan);
  const LinkReport report = find_links(links.tree, platform_link_policy(platform));
  ASSERT_EQ(report.verdicts.size(), 3U);
  EXPECT_EQ(
      std::count_if(report.verdicts.begin(), report.verdicts.end(),
                    [](const LinkVerdict& verdict) { return verdict.kind == LinkVerdict::Kind::preloaded; }),
      1);
  for (const Entry& entry : plan.entries) EXPECT_EQ(entry.lay, Lay::file) << entry.path.str();
  EXPECT_EQ(plan.policy.link_mode, LinkMode::copy);
  EXPECT_EQ(std::count_if(plan.notes.begin(), plan.notes.end(),
                          [](const Diagnostic& note) { return note.severity == Severity::warning; }),
            1);
}

TEST(ChooseLinks, KeepsOneEntryForEachTreeWhereNothingIsLinked) {
  const Plan plan = make_plan(input_for(crossing()));
  ASSERT_NE(find(plan, "a"), nullptr);
  EXPECT_TRUE(std::holds_alternative<StoreTree>(find(plan, "a")->content));
}

std::vector<WheelFacts> broken() {
  return {NativeWheel("a")
              .object("a/lib/liba.so", library({"libb.so", "libc.so.6"}, "$ORIGIN"))
              .file("a/data.txt")
              .build(),
          NativeWheel("b").object("b/lib/libb.so", library({"libsecond.so"})).build(),
          NativeWheel("second").object("second/libsecond.so", library({})).build()};
}

TEST(PlanRpaths, FixGivesObjectsThePathsThatTheyLack) {
  PlanInput input = input_for(broken());
  input.policy.rpath = RpathPolicy::fix;
  const Plan plan = make_plan(input);
  const Entry* a = find(plan, "a/lib/liba.so");
  ASSERT_NE(a, nullptr);
  ASSERT_TRUE(std::holds_alternative<Patched>(a->content));
  EXPECT_EQ(std::get<Patched>(a->content).rpaths, (Strings{"$ORIGIN", "$ORIGIN/../../b/lib"}));
  const Entry* b = find(plan, "b/lib/libb.so");
  ASSERT_NE(b, nullptr);
  EXPECT_EQ(std::get<Patched>(b->content).rpaths, (Strings{"$ORIGIN/../../second"}));
  EXPECT_TRUE(std::holds_alternative<StoreTree>(find(plan, "second")->content));
  EXPECT_EQ(misses(plan), 0U);
  EXPECT_EQ(std::count_if(plan.notes.begin(), plan.notes.end(),
                          [](const Diagnostic& note) { return note.kind == "rpath-fixed"; }),
            2);
}

TEST(PlanRpaths, EditedObjectsAreRealFilesAmongLinks) {
  PlanInput input = linked(broken());
  input.policy.rpath = RpathPolicy::fix;
  const Plan plan = make_plan(input);
  ASSERT_NE(find(plan, "a/lib/liba.so"), nullptr);
  EXPECT_EQ(find(plan, "a/lib/liba.so")->lay, Lay::file);
  EXPECT_TRUE(is_linked_file(plan, "a/data.txt"));
  EXPECT_TRUE(is_linked_tree(plan, "second"));
  EXPECT_EQ(misses(plan), 0U);
}

TEST(PlanRpaths, AutoAndKeepEditNothing) {
  for (const RpathPolicy policy : {RpathPolicy::automatic, RpathPolicy::keep}) {
    PlanInput input = input_for(broken());
    input.policy.rpath = policy;
    const Plan plan = make_plan(input);
    for (const Entry& entry : plan.entries) EXPECT_FALSE(std::holds_alternative<Patched>(entry.content));
  }
}

TEST(PlanRpaths, AnEditCountsInTheIdentityAndInTheRecordsOfAllOwners) {
  const ObjectFacts shared = library({"libb.so"});
  std::vector<WheelFacts> wheels{NativeWheel("a").object("ns/lib/libs.so", shared, "same").build(),
                                 NativeWheel("c").object("ns/lib/libs.so", shared, "same").build(),
                                 NativeWheel("b").object("b/lib/libb.so", library({})).build()};
  PlanInput input = input_for(wheels);
  const Plan plain = make_plan(input);
  input.policy.rpath = RpathPolicy::fix;
  const Plan fixed = make_plan(input);
  ASSERT_TRUE(std::holds_alternative<Patched>(find(fixed, "ns/lib/libs.so")->content));
  EXPECT_NE(find(plain, "ns/lib/libs.so")->identity, find(fixed, "ns/lib/libs.so")->identity);
  std::vector<std::optional<WrittenFile>> written(fixed.entries.size());
  for (std::size_t i = 0; i < written.size(); ++i) {
    if (std::holds_alternative<Patched>(fixed.entries[i].content))
      written[i] = WrittenFile{Sha256::of("edited"), 6};
  }
  for (const DistId dist : {0U, 1U}) {
    const std::string record = render_record(fixed, dist, written);
    EXPECT_NE(record.find("ns/lib/libs.so,sha256=" + Sha256::of("edited").base64url() + ",6"),
              std::string::npos)
        << record;
    EXPECT_EQ(record.find(Sha256::of("same").base64url()), std::string::npos) << record;
  }
}

TEST(DescribeLinks, NamesWhereObjectsAreOpenedAndWhereTheyAre) {
  const Plan plan = make_plan(linked(crossing()));
  const PlannedLinks links = describe_links(plan, "/s/wheels");
  Strings paths;
  for (const LinkObject& object : links.tree.objects)
    paths.push_back(object.path + " of " + object.distribution);
  EXPECT_EQ(paths, (Strings{site + "a/lib/liba.so of a", site + "b/lib/libb.so of b"}));
  const auto target_of = [&](const std::string& path) {
    for (const LinkedPath& link : links.tree.links) {
      if (link.path == site + path) return link.target;
    }
    return std::string("none");
  };
  EXPECT_EQ(target_of("a/lib/liba.so"), "/s/wheels/" + Sha256::of("a").hex() + "/tree/platlib/a/lib/liba.so");
  EXPECT_EQ(target_of("b"), "/s/wheels/" + Sha256::of("b").hex() + "/tree/platlib/b");
  EXPECT_EQ(target_of("a"), "none");
}

TEST(LinkPolicies, FollowFromPlatforms) {
  using Loader = LinkPolicy::Loader;
  struct Row {
    const char* platform;
    Loader loader;
    const char* machine;
    const char* version;
  };
  for (const Row& row :
       {Row{"manylinux_2_28_x86_64", Loader::glibc, "x86_64", "2.28"},
        Row{"manylinux_2_17_aarch64", Loader::glibc, "aarch64", "2.17"},
        Row{"musllinux_1_2_aarch64", Loader::musl, "aarch64", ""},
        Row{"macosx_11_0_arm64", Loader::dyld, "arm64", "11.0"},
        Row{"win_amd64", Loader::windows, "x86_64", ""}, Row{"win32", Loader::windows, "i686", ""},
        Row{"win_arm64", Loader::windows, "arm64", ""}}) {
    for (const LinkPolicy& policy : {platform_link_policy(row.platform),
                                     target_link_policy(foreign_interpreter({"3.12", row.platform, ""}))}) {
      EXPECT_EQ(policy.loader, row.loader) << row.platform;
      EXPECT_EQ(policy.machine, row.machine) << row.platform;
      EXPECT_EQ(policy.libc_version, row.version) << row.platform;
    }
  }
  EXPECT_EQ(platform_link_policy("manylinux2014_x86_64").libc_version, "2.17");
  EXPECT_EQ(platform_link_policy("macosx_10_9_universal2").machine, "");
}

}  // namespace
}  // namespace axle
