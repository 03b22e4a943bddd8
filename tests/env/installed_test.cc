#include "axle/env/installed.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include "axle/base/error.h"
#include "base/fd.h"
#include "env/temp_tree.h"

namespace axle {
namespace {

using axle_test::TempTree;

struct Site {
  TempTree tree;
  Layout layout = venv_layout(foreign_interpreter({"3.11.7", "linux_x86_64", ""}), tree.path());
  void write(const std::string& below, const std::string& text) const {
    tree.write("lib/python3.11/site-packages/" + below, text);
  }
  Fd root() const { return open_dir(AT_FDCWD, tree.path()); }
};

TEST(Installed, ListsDistributionsByTheirDirectories) {
  Site site;
  site.write("typing_extensions-4.8.0.dist-info/METADATA", "Name: typing_extensions\n");
  site.write("Zope.Interface-5.0.post1.dist-info/METADATA", "");
  site.write("old-style-name-1.0.dist-info/METADATA", "");
  site.write("typing_extensions.py", "");
  const Installed installed = read_installed(site.root().get(), site.layout);
  ASSERT_EQ(installed.dists.size(), 3U);
  EXPECT_TRUE(installed.notes.empty());
  const InstalledDist* dist = find_dist(installed, "typing-extensions");
  ASSERT_NE(dist, nullptr);
  EXPECT_EQ(dist->version, "4.8.0");
  EXPECT_EQ(dist->dist_info.str(), "lib/python3.11/site-packages/typing_extensions-4.8.0.dist-info");
  EXPECT_NE(find_dist(installed, "zope-interface"), nullptr);
  EXPECT_NE(find_dist(installed, "old-style-name"), nullptr);
  EXPECT_EQ(find_dist(installed, "absent"), nullptr);
}

TEST(Installed, NotesWhatIsOld) {
  Site site;
  site.write("a-1.0.dist-info/METADATA", "");
  site.write("A-2.0.dist-info/METADATA", "");
  site.write("~ip-23.0.dist-info/METADATA", "");
  site.write("nonsense.dist-info/METADATA", "");
  site.write("file-1.0.dist-info", "not a directory");
  site.write("legacy-1.0-py3.11.egg-info/PKG-INFO", "");
  site.write("devel.egg-link", "/src");
  const Installed installed = read_installed(site.root().get(), site.layout);
  std::vector<std::string> kinds;
  for (const Diagnostic& note : installed.notes) kinds.push_back(note.kind);
  std::sort(kinds.begin(), kinds.end());
  EXPECT_EQ(kinds,
            (std::vector<std::string>{"duplicate-distribution", "leftover", "legacy-egg-info",
                                      "legacy-egg-link", "malformed-dist-info", "malformed-dist-info"}));
  EXPECT_EQ(installed.dists.size(), 2U);
}

TEST(Installed, AnAbsentSitePackagesIsEmpty) {
  Site site;
  EXPECT_TRUE(read_installed(site.root().get(), site.layout).dists.empty());
}

TEST(Installed, SmallFilesAndRecord) {
  Site site;
  site.write("demo-1.0.dist-info/INSTALLER", "pip\n");
  site.write("demo-1.0.dist-info/REQUESTED", "");
  site.write("demo-1.0.dist-info/direct_url.json", "{}");
  site.write(
      "demo-1.0.dist-info/RECORD",
      "demo.py,sha256=abc,12\r\n../../../bin/demo,sha256=def,3\n\"a,b.txt\",,\n../../../../etc/passwd,,\n");
  const Fd root = site.root();
  const Installed installed = read_installed(root.get(), site.layout);
  const InstalledDist& dist = installed.dists.at(0);
  EXPECT_EQ(read_installer(root.get(), dist), "pip");
  EXPECT_TRUE(is_requested(root.get(), dist));
  EXPECT_EQ(read_direct_url(root.get(), dist), "{}");
  EXPECT_EQ(read_installed_metadata(root.get(), dist), std::nullopt);
  const auto record = read_installed_record(root.get(), site.layout, dist);
  ASSERT_TRUE(record);
  ASSERT_EQ(record->size(), 4U);
  EXPECT_EQ(record->at(0).path->str(), "lib/python3.11/site-packages/demo.py");
  EXPECT_EQ(record->at(0).size, 12U);
  EXPECT_EQ(record->at(1).path->str(), "bin/demo");
  EXPECT_EQ(record->at(2).path->name(), "a,b.txt");
  EXPECT_FALSE(record->at(3).path);
  EXPECT_THROW(parse_installed_record("\"open", site.layout, dist, "RECORD"), Error);
}

}  // namespace
}  // namespace axle
