#include "axle/exec/apply.h"

#include <sys/stat.h>

#include "axle/base/error.h"
#include "exec/environment_fixture.h"

namespace axle::test {
namespace {

WheelWriter google(const std::string& part, const std::string& version = "1.0") {
  WheelWriter wheel("google_" + part, version);
  wheel.file("google/cloud/" + part + "/__init__.py", "version = '" + version + "'\n");
  wheel.file("google/shared.txt", "same");
  wheel.file(wheel.data_dir() + "/data/share/google/" + part + ".txt", part);
  wheel.file("google_" + part + "/cli.py", "def main():\n    print('" + part + "')\n");
  wheel.entry_points("[console_scripts]\n" + part + "-tool = google_" + part + ".cli:main\n");
  return wheel;
}

class Apply : public EnvironmentTest, public ::testing::WithParamInterface<LinkMode> {};

TEST_P(Apply, LaysUpgradesAndRemovesAndComesBackToTheFormerTree) {
  sync({}, GetParam());
  const auto empty = tree();
  sync({google("a"), google("b")}, GetParam());
  const auto both = tree();
  EXPECT_EQ(both.at(site() + "google/shared.txt").empty(), false);
  EXPECT_TRUE(both.contains("bin/a-tool"));
  EXPECT_TRUE(both.contains("share/google/b.txt"));

  sync({google("a")}, GetParam());
  EXPECT_FALSE(tree().contains(site() + "google/cloud/b"));
  EXPECT_FALSE(read(site() + "google/shared.txt").empty()) << "a brings it too";

  const ApplyResult upgrade = sync({google("a", "2.0"), google("b")}, GetParam());
  EXPECT_EQ(upgrade.installed, (std::vector<std::string>{"google-a 2.0", "google-b 1.0"}));
  EXPECT_EQ(read(site() + "google/cloud/a/__init__.py"), "version = '2.0'\n");
  EXPECT_FALSE(tree().contains(site() + "google_a-1.0.dist-info"));

  sync({google("a"), google("b")}, GetParam());
  EXPECT_EQ(tree(), both);
  sync({}, GetParam());
  EXPECT_EQ(tree(), empty);
}

TEST_P(Apply, HasNothingToDoTheSecondTime) {
  sync({google("a"), google("b")}, GetParam());
  const ApplyResult again = sync({google("a"), google("b")}, GetParam());
  EXPECT_EQ(again.paths_added, 0U);
  EXPECT_EQ(again.paths_removed, 0U);
  EXPECT_EQ(again.kept, 2U);
}

TEST_P(Apply, PutsBackWhatWasDamaged) {
  sync({google("a")}, GetParam());
  const auto before = tree();
  // A linked directory is one link: what is below it is the store's, and not for damaging here.
  const bool linked = GetParam() == LinkMode::symlink;
  std::filesystem::remove_all(root() + "/" + site() + (linked ? "google" : "google/cloud/a"));
  if (linked) {
    std::filesystem::remove(root() + "/share");
  } else {
    write("share/google/a.txt", "edited");
  }
  ApplyOptions repair;
  repair.reuse = Reuse::repair;
  sync({google("a")}, GetParam(), repair);
  EXPECT_EQ(tree(), before);
  EXPECT_EQ(read(site() + "google/cloud/a/__init__.py"), "version = '1.0'\n");
  EXPECT_EQ(read("share/google/a.txt"), "a");
}

TEST_P(Apply, RefusesWhatSomebodyChangedByHand) {
  sync({google("a")}, GetParam());
  write("bin/a-tool", "#!/bin/sh\necho mine\n");
  const auto before = tree();
  EXPECT_THROW(sync({}, GetParam()), Error);
  EXPECT_EQ(tree(), before);
  ApplyOptions force;
  force.hand_changed = HandChanged::replace;
  sync({}, GetParam(), force);
  EXPECT_FALSE(tree().contains("bin/a-tool"));
}

TEST_P(Apply, RefusesAFileThatNobodyRecorded) {
  sync({}, GetParam());
  write("share/google/a.txt", "mine");
  const auto before = tree();
  try {
    sync({google("a")}, GetParam());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::conflict);
    EXPECT_NE(error.place().file.find("share/google/a.txt"), std::string::npos);
  }
  EXPECT_EQ(tree(), before);
}

INSTANTIATE_TEST_SUITE_P(Modes, Apply,
                         ::testing::Values(LinkMode::copy, LinkMode::hardlink, LinkMode::symlink),
                         [](const auto& mode) { return std::string(to_string(mode.param)); });

using ApplyOnce = EnvironmentTest;

TEST_F(ApplyOnce, KeepsFilesOfTheUserInAPackagesDirectory) {
  sync({google("a")});
  write(site() + "google_a/mine.cfg", "keep me");
  sync({google("a", "2.0")});
  EXPECT_EQ(read(site() + "google_a/mine.cfg"), "keep me");
  sync({});
  EXPECT_EQ(read(site() + "google_a/mine.cfg"), "keep me");
  EXPECT_FALSE(tree().contains(site() + "google_a/cli.py"));
}

TEST_F(ApplyOnce, RemovesByteCodeOfWhatItRemoves) {
  WheelWriter wheel("single");
  wheel.file("single.py", "x = 1\n");
  sync({wheel});
  write(site() + "__pycache__/single.cpython-312.pyc", "code");
  write(site() + "__pycache__/other.cpython-312.pyc", "code");
  sync({});
  EXPECT_FALSE(tree().contains(site() + "__pycache__/single.cpython-312.pyc"));
  EXPECT_TRUE(tree().contains(site() + "__pycache__/other.cpython-312.pyc"));
}

TEST_F(ApplyOnce, ChangesTheModeOfAnEnvironment) {
  sync({google("a")}, LinkMode::copy);
  const auto copied = tree();
  sync({google("a")}, LinkMode::symlink);
  EXPECT_TRUE(std::filesystem::is_symlink(root() + "/" + site() + "google_a"));
  sync({google("a")}, LinkMode::copy);
  EXPECT_EQ(tree(), copied);
}

TEST_F(ApplyOnce, GivesFixedModesWhateverTheUmask) {
  const mode_t old = umask(077);
  sync({google("a")}, LinkMode::copy);
  umask(old);
  struct stat status {};
  ASSERT_EQ(stat((root() + "/" + site() + "google_a").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0755U);
  ASSERT_EQ(stat((root() + "/" + site() + "google_a/cli.py").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0644U);
  ASSERT_EQ(stat((root() + "/bin/a-tool").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0755U);
  ASSERT_EQ(stat(root().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0700U) << "the root follows the umask";
}

TEST_F(ApplyOnce, TellsTheSameTreeInEveryOrderAndNumberOfThreads) {
  ApplyOptions one;
  one.jobs = 1;
  sync({google("a"), google("b"), google("c")}, LinkMode::copy, one);
  const auto first = tree();
  std::filesystem::remove_all(root());
  ApplyOptions many;
  many.jobs = 8;
  sync({google("c"), google("a"), google("b")}, LinkMode::copy, many);
  EXPECT_EQ(tree(), first);
}

}  // namespace
}  // namespace axle::test
