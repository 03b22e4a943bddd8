#include "plan/bundle_libraries.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "axle/base/error.h"

namespace axle {
namespace {

ObjectFacts elf(std::vector<std::string> needed, std::optional<std::string> runpath = std::nullopt) {
  ObjectFacts facts;
  facts.kind = ObjectFacts::Kind::shared_library;
  facts.machine = "x86_64";
  facts.bits = 64;
  facts.needed = std::move(needed);
  facts.runpath = std::move(runpath);
  return facts;
}

// A machine that has everything, each library needing only libc.
std::optional<MachineLibrary> any(const std::string& name, const ObjectFacts&) {
  return MachineLibrary{"/usr/lib/" + name, elf({"libc.so.6"})};
}
std::optional<MachineLibrary> none(const std::string&, const ObjectFacts&) { return std::nullopt; }

TEST(BundleLibraries, TellsWhatTheTargetMustProvide) {
  ObjectFacts program = elf({"libz.so.1", "libc.so.6"});
  program.version_needs = {"libc.so.6:GLIBC_2.4", "libc.so.6:GLIBC_2.34", "libstdc++.so.6:GLIBCXX_3.4"};
  const BundleLibraries found = find_bundle_libraries({{"bin/python3", program, true}}, {}, none);
  EXPECT_EQ(found.glibc, "2.34");
  EXPECT_EQ(found.libc, (std::vector<NeededLibrary>{{"libc.so.6", {"bin/python3"}}}));
  EXPECT_EQ(found.missing, (std::vector<NeededLibrary>{{"libz.so.1", {"bin/python3"}}}));
  EXPECT_TRUE(found.taken.empty());
  EXPECT_TRUE(found.rpaths.empty());
}

TEST(BundleLibraries, TakesLibrariesAlongWithWhatTheyNeed) {
  const auto find = [](const std::string& name, const ObjectFacts&) -> std::optional<MachineLibrary> {
    if (name == "libssl.so.3")
      return MachineLibrary{"/usr/lib/libssl.so.3", elf({"libcrypto.so.3", "libc.so.6"})};
    return any(name, {});
  };
  BundleLibraryRequest request;
  request.take = TakeLibraries::all_but_libc;
  const BundleLibraries found = find_bundle_libraries(
      {{"lib/python3.12/lib-dynload/_ssl.so", elf({"libssl.so.3", "libc.so.6"}), true}}, request, find);
  ASSERT_EQ(found.taken.size(), 2U);
  EXPECT_EQ(found.taken[0].path, "lib/axle/libcrypto.so.3");
  EXPECT_EQ(found.taken[1].path, "lib/axle/libssl.so.3");
  EXPECT_EQ(found.rpaths.at("lib/python3.12/lib-dynload/_ssl.so"),
            std::vector<std::string>{"$ORIGIN/../../axle"});
  EXPECT_EQ(found.rpaths.at("lib/axle/libssl.so.3"), std::vector<std::string>{"$ORIGIN"});
  EXPECT_FALSE(found.rpaths.contains("lib/axle/libcrypto.so.3"));
  EXPECT_TRUE(found.missing.empty());
  EXPECT_EQ(found.libc.size(), 1U);
}

TEST(BundleLibraries, LeavesAloneWhatItsOwnPathsOrTheBundleMeet) {
  BundleLibraryRequest request;
  request.take = TakeLibraries::all_but_libc;
  const std::string site = "lib/python3.12/site-packages/";
  const BundleLibraries found = find_bundle_libraries(
      {{site + "demo/_c.so", elf({"libown-1234.so.1", "libpreloaded.so.2"}, "$ORIGIN/../demo.libs:/opt/x"),
        false},
       {site + "demo.libs/libown-1234.so.1", elf({}), false},
       {site + "other/lib/libpreloaded.so.2", elf({}), false}},
      request, any);
  EXPECT_TRUE(found.taken.empty());
  EXPECT_TRUE(found.rpaths.empty());  // what a wheel says of other machines stays, too
}

TEST(BundleLibraries, MakesTheTreesOwnPathsRelativeAndForgetsOthers) {
  BundleLibraryRequest request;
  request.tree_prefix = "/opt/python";
  const BundleLibraries found = find_bundle_libraries(
      {{"bin/python3.12", elf({"libpython3.12.so.1.0"}, "/opt/python/lib:/build/lib"), true},
       {"lib/libpython3.12.so.1.0", elf({}), true}},
      request, none);
  EXPECT_EQ(found.rpaths.at("bin/python3.12"), std::vector<std::string>{"$ORIGIN/../lib"});
  EXPECT_TRUE(found.missing.empty());
}

TEST(BundleLibraries, TakesTheLoaderAndWhatTheCLibraryLoadsItself) {
  BundleLibraryRequest request;
  request.take = TakeLibraries::all;
  request.loader = "/lib64/ld-linux-x86-64.so.2";
  ObjectFacts program = elf({"libc.so.6", "libgcc_s.so.1"});
  program.version_needs = {"libc.so.6:GLIBC_2.34"};
  const BundleLibraries found = find_bundle_libraries({{"libexec/python3.12", program, true}}, request, any);
  std::vector<std::string> paths;
  for (const TakenLibrary& one : found.taken) paths.push_back(one.path);
  for (const char* name : {"ld-linux-x86-64.so.2", "libc.so.6", "libgcc_s.so.1", "libnss_dns.so.2"}) {
    EXPECT_NE(std::find(paths.begin(), paths.end(), "lib/axle/libc/" + std::string(name)), paths.end())
        << name;
  }
  EXPECT_TRUE(found.rpaths.empty());  // the loader is told where they are
  EXPECT_TRUE(found.libc.empty());
  EXPECT_EQ(found.glibc, "");
  EXPECT_THROW(find_bundle_libraries({{"libexec/python3.12", program, true}}, request, none), Error);
}

}  // namespace
}  // namespace axle
