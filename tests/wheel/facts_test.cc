// WheelFacts made by hand, and what becomes of them when bytes are damaged.

#include "axle/wheel/facts.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "axle/base/error.h"
#include "axle/object/object_facts.h"
#include "axle/wheel/facts_builder.h"
#include "axle/wheel/record.h"
#include "wheel/exercise_facts.h"

namespace axle {
namespace {

WheelFacts sample() {
  FactsBuilder builder;
  ObjectFacts object;
  object.machine = "x86_64";
  object.bits = 64;
  object.needed = {"libm.so.6", "libc.so.6"};
  object.runpath = "$ORIGIN/../demo.libs";
  builder.name("Demo.Pkg")
      .version("1.0")
      .dist_info("demo_pkg-1.0.dist-info")
      .requires_python(">=3.8")
      .requires_dist("a>1")
      .tag("cp312-cp312-linux_x86_64")
      .entry_point("console_scripts", "demo", "demo:main")
      .fault({"demo/x.py", "its size is 1, RECORD says 2"})
      .warning("careful")
      .file(Scheme::purelib, "demo/__init__.py", "x = 1\n")
      .file(Scheme::purelib, "demo/sub/deep/mod.py", "y = 2\n")
      .file(Scheme::purelib, "demo/_ext.cpython-312-x86_64-linux-gnu.so", FileInput{3, Sha256::of("elf")})
      .object(object)
      .file(Scheme::purelib, "demo.libs/libz.so", FileInput{3, Sha256::of("elf")})
      .file(Scheme::purelib, "ns/part/__init__.py", "# empty\n")
      .file(Scheme::purelib, "ns/data/x.txt", "text")
      .file(Scheme::purelib, "style/__init__.py",
            "__path__ = __import__('pkgutil').extend_path(__path__, __name__)\n")
      .file(Scheme::purelib, "top.py", "")
      .file(Scheme::purelib, "demo.pth", "import demo\nsub\n")
      .file(Scheme::purelib, "demo_pkg-1.0.dist-info/METADATA", "Name: Demo.Pkg\n")
      .file(Scheme::scripts, "tool", "#!python -E\n")
      .file(Scheme::data, "share/man/man1/tool.1", ".TH\n");
  return builder.build();
}

TEST(Facts, SayWhatWasSaid) {
  const WheelFacts facts = sample();
  EXPECT_EQ(facts.name(), "Demo.Pkg");
  EXPECT_EQ(facts.normalized(), "demo-pkg");
  EXPECT_EQ(facts.version(), "1.0");
  EXPECT_EQ(facts.dist_info(), "demo_pkg-1.0.dist-info");
  EXPECT_EQ(facts.requires_python(), ">=3.8");
  EXPECT_EQ(facts.requires_dist(), std::vector<std::string_view>{"a>1"});
  EXPECT_EQ(facts.tags(), std::vector<std::string_view>{"cp312-cp312-linux_x86_64"});
  EXPECT_EQ(facts.entry_points(), (std::vector<EntryPoint>{{"console_scripts", "demo", "demo:main"}}));
  EXPECT_FALSE(facts.record_ok());
  EXPECT_EQ(facts.record_faults(), (std::vector<RecordFault>{{"demo/x.py", "its size is 1, RECORD says 2"}}));
  EXPECT_EQ(facts.warnings(), std::vector<std::string_view>{"careful"});
  EXPECT_EQ(facts.import_roots(), (std::vector<std::string_view>{"demo", "ns", "style", "top"}));
  EXPECT_TRUE(facts.root_is_purelib());
}

TEST(Facts, DirectoriesInPreOrder) {
  const WheelFacts facts = sample();
  std::vector<std::string> dirs;
  for (std::uint32_t i = 0; i < facts.dirs().size(); ++i) {
    dirs.push_back(std::string(to_string(facts.dir(i).scheme)) + ":" + facts.dir_path(i));
  }
  EXPECT_EQ(dirs, (std::vector<std::string>{
                      "purelib:", "purelib:demo", "purelib:demo/sub", "purelib:demo/sub/deep",
                      "purelib:demo.libs", "purelib:demo_pkg-1.0.dist-info", "purelib:ns", "purelib:ns/data",
                      "purelib:ns/part", "purelib:style", "scripts:", "data:", "data:share", "data:share/man",
                      "data:share/man/man1"}));
  const auto demo = *facts.find_dir(Scheme::purelib, "demo");
  EXPECT_EQ(facts.files_in(facts.dir(demo)).size(), 2U);
  EXPECT_EQ(facts.files_below(facts.dir(demo)).size(), 3U);
  EXPECT_EQ(facts.dir(demo).subtree_bytes, 6U + 6U + 3U);
  EXPECT_EQ(facts.child_dirs(*facts.root(Scheme::data)).size(), 1U);
  EXPECT_EQ(facts.root(Scheme::headers), std::nullopt);
  EXPECT_EQ(facts.find(Scheme::purelib, "demo/sub"), std::nullopt);
  EXPECT_EQ(facts.find(Scheme::scripts, "demo"), std::nullopt);
  EXPECT_EQ(facts.path_of(*facts.find(Scheme::purelib, "demo/sub/deep/mod.py")), "demo/sub/deep/mod.py");
}

TEST(Facts, KindsAndFlags) {
  const WheelFacts facts = sample();
  const auto kind = [&](std::string_view path) {
    return facts.dir(*facts.find_dir(Scheme::purelib, path)).kind;
  };
  EXPECT_EQ(kind(""), NamespaceKind::not_package);
  EXPECT_EQ(kind("demo"), NamespaceKind::regular);
  EXPECT_EQ(kind("demo/sub"), NamespaceKind::pep420);
  EXPECT_EQ(kind("demo.libs"), NamespaceKind::not_package);
  EXPECT_EQ(kind("ns"), NamespaceKind::pep420);
  EXPECT_EQ(kind("ns/data"), NamespaceKind::not_package);
  EXPECT_EQ(kind("ns/part"), NamespaceKind::regular);
  EXPECT_EQ(kind("style"), NamespaceKind::pkgutil);
  const auto has = [&](Scheme scheme, std::string_view path, std::uint16_t flag) {
    return facts.file(*facts.find(scheme, path)).has(flag);
  };
  EXPECT_TRUE(has(Scheme::scripts, "tool", file_flag::executable));
  EXPECT_TRUE(has(Scheme::scripts, "tool", file_flag::script_python));
  EXPECT_TRUE(has(Scheme::purelib, "demo.pth", file_flag::startup));
  EXPECT_TRUE(has(Scheme::purelib, "demo_pkg-1.0.dist-info/METADATA", file_flag::dist_info));
  EXPECT_TRUE(has(Scheme::purelib, "demo/__init__.py", file_flag::init));
  EXPECT_FALSE(has(Scheme::purelib, "demo/__init__.py", file_flag::executable));
  // The object reaches out of demo, but stays below the root.
  const auto flagged = [&](std::string_view path, std::uint8_t flag) {
    return facts.dir(*facts.find_dir(Scheme::purelib, path)).has(flag);
  };
  EXPECT_TRUE(flagged("demo", dir_flag::reaches_out));
  EXPECT_FALSE(flagged("", dir_flag::reaches_out));
  EXPECT_TRUE(flagged("", dir_flag::native));
  EXPECT_FALSE(flagged("ns", dir_flag::native));
  ASSERT_EQ(facts.object_count(), 1U);
  EXPECT_EQ(facts.object(0).needed, (std::vector<std::string>{"libm.so.6", "libc.so.6"}));
  EXPECT_EQ(facts.object_of(facts.object_file(0)), 0U);
  ASSERT_EQ(facts.startup_count(), 1U);
  EXPECT_EQ(facts.startup(0).text, "import demo\nsub\n");
  EXPECT_EQ(facts.inits().size(), 2U);
  EXPECT_EQ(facts.init_of(*facts.find(Scheme::purelib, "ns/part/__init__.py"))->kind, InitKind::empty);
  EXPECT_EQ(facts.init_of(*facts.find(Scheme::purelib, "demo/__init__.py")), nullptr);
}

TEST(Facts, RecordPartListsTheLibFilesByPath) {
  const WheelFacts facts = sample();
  const auto rows = parse_record(facts.record_part(), "RECORD");
  std::vector<std::string> paths;
  for (const auto& row : rows) paths.push_back(row.path);
  EXPECT_TRUE(std::is_sorted(paths.begin(), paths.end()));
  EXPECT_EQ(paths.size(), facts.files_below(facts.dir(*facts.root(Scheme::purelib))).size());
  for (const auto& row : rows) {
    const FileFact& file = facts.file(*facts.find(Scheme::purelib, row.path));
    EXPECT_EQ(row.size, file.size);
    EXPECT_EQ(row.digest, file.sha256.base64url());
  }
}

TEST(Facts, EqualTreesHaveEqualDigests) {
  const auto digest = [](std::string_view file, std::string_view content, std::uint16_t flags) {
    FactsBuilder builder;
    builder.file(Scheme::purelib, "other.py", "z")
        .file(Scheme::purelib, "a/b/" + std::string(file), content, flags);
    const WheelFacts facts = builder.build();
    return facts.dir(*facts.find_dir(Scheme::purelib, "a")).tree_digest;
  };
  const auto base = digest("f.py", "1", 0);
  EXPECT_EQ(base, digest("f.py", "1", 0));
  EXPECT_NE(base, digest("g.py", "1", 0));
  EXPECT_NE(base, digest("f.py", "2", 0));
  EXPECT_NE(base, digest("f.py", "1", file_flag::executable));
}

TEST(Facts, TheOrderOfFilesDoesNotMatter) {
  std::vector<std::string> paths{"b/x.py",   "a.py",  "a/y.py", "a/b/c.py",
                                 "a-b/z.py", "ab.py", "a/b.py", "b.py"};
  std::sort(paths.begin(), paths.end());
  std::string first;
  std::uint32_t state = 7;
  for (int round = 0; round < 50; ++round) {
    FactsBuilder builder;
    for (const auto& path : paths) builder.file(Scheme::platlib, path, path);
    const std::string bytes(builder.build().record_part());
    if (first.empty()) first = bytes;
    EXPECT_EQ(bytes, first);
    const WheelFacts facts = builder.build();
    for (const auto& path : paths) {
      const auto found = facts.find(Scheme::platlib, path);
      ASSERT_TRUE(found) << path;
      EXPECT_EQ(facts.path_of(*found), path);
    }
    for (std::size_t i = paths.size(); i > 1; --i) {
      state = state * 1664525 + 1013904223;
      std::swap(paths[i - 1], paths[(state >> 8) % i]);
    }
  }
}

// What byte-code is added to: nothing is lost on the way.
TEST(Facts, CanBeBuiltUpon) {
  const WheelFacts facts = sample();
  const WheelFacts same = FactsBuilder::from(facts).build();
  EXPECT_EQ(FactsBuilder::from(same).build().bytes(), same.bytes());
  EXPECT_EQ(same.record_part(), facts.record_part());
  EXPECT_EQ(same.dir(*same.root(Scheme::purelib)).tree_digest,
            facts.dir(*facts.root(Scheme::purelib)).tree_digest);
  EXPECT_EQ(same.dirs().size(), facts.dirs().size());
  for (std::uint32_t i = 0; i < facts.dirs().size(); ++i) {
    EXPECT_EQ(same.dir(i).kind, facts.dir(i).kind) << facts.dir_path(i);
    EXPECT_EQ(same.dir(i).flags, facts.dir(i).flags) << facts.dir_path(i);
  }
  ASSERT_EQ(same.object_count(), facts.object_count());
  EXPECT_EQ(same.object(0).runpath, facts.object(0).runpath);
  EXPECT_EQ(same.inits().size(), facts.inits().size());
  EXPECT_EQ(same.startup(0).text, facts.startup(0).text);
  EXPECT_EQ(same.entry_points(), facts.entry_points());
  EXPECT_EQ(same.record_faults(), facts.record_faults());
  EXPECT_EQ(same.requires_dist(), facts.requires_dist());
  EXPECT_EQ(same.store_id(), facts.wheel_sha256());

  FactsBuilder builder = FactsBuilder::from(facts);
  builder.byte_code("cpython-312 3.12.4", Sha256::of("id"))
      .file(Scheme::purelib, "demo/__pycache__/__init__.cpython-312.pyc",
            FileInput{5, Sha256::of("byte-code")});
  const WheelFacts more = builder.build();
  EXPECT_EQ(more.store_id(), Sha256::of("id"));
  EXPECT_EQ(more.wheel_sha256(), facts.wheel_sha256());
  EXPECT_EQ(more.byte_code(), "cpython-312 3.12.4");
  EXPECT_NE(more.record_part().find("demo/__pycache__/__init__.cpython-312.pyc,sha256="),
            std::string_view::npos);
}

TEST(Facts, AWheelMayNotContradictItself) {
  const auto build = [](std::string_view a, std::string_view a_text, Scheme scheme, std::string_view b,
                        std::string_view b_text) {
    FactsBuilder builder;
    builder.file(Scheme::purelib, a, a_text).file(scheme, b, b_text);
    return builder.build();
  };
  EXPECT_EQ(build("a/x.py", "1", Scheme::purelib, "a/x.py", "1").files().size(), 1U);
  EXPECT_EQ(build("a/x.py", "1", Scheme::scripts, "x.py", "2").files().size(), 2U);
  const auto same = build("a/x.py", "1", Scheme::platlib, "a/x.py", "1");
  EXPECT_EQ(parse_record(same.record_part(), "RECORD").size(), 1U);
  EXPECT_THROW(build("a/x.py", "1", Scheme::purelib, "a/x.py", "2"), Error);
  EXPECT_THROW(build("a/x.py", "1", Scheme::platlib, "a/x.py", "2"), Error);
  EXPECT_THROW(build("a", "1", Scheme::purelib, "a/x.py", "2"), Error);
  EXPECT_THROW(build("a/b", "1", Scheme::platlib, "a/b/x.py", "2"), Error);
  EXPECT_THROW(FactsBuilder().file(Scheme::data, "../x", ""), Error);
}

TEST(Facts, BytesOpenAgainWhateverTheirAlignment) {
  const WheelFacts facts = sample();
  const std::string bytes(facts.bytes());
  EXPECT_EQ(WheelFacts::open(bytes, "facts").entry_points(), facts.entry_points());
  const auto shifted = std::make_shared<std::string>("x" + bytes);
  const auto view = std::string_view(*shifted).substr(1);
  EXPECT_EQ(WheelFacts::open(shifted, view, "facts").files().size(), facts.files().size());
  const WheelFacts none;
  EXPECT_TRUE(none.files().empty());
  EXPECT_EQ(none.name(), "");
  EXPECT_EQ(none.find(Scheme::purelib, "a"), std::nullopt);
  EXPECT_EQ(FactsBuilder().build().files().size(), 0U);
}

TEST(Facts, DamageIsAnErrorAtWorst) {
  const std::string bytes(sample().bytes());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THROW(WheelFacts::open(bytes.substr(0, size), "facts"), Error);
  }
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (const char value : {'\0', '\x01', '\x7f', '\xff'}) {
      std::string damaged = bytes;
      damaged[at] = value;
      test::exercise_facts(damaged);
    }
  }
  // Whole numbers too.
  std::uint32_t state = 3;
  for (int round = 0; round < 20'000; ++round) {
    std::string damaged = bytes;
    for (int edit = 0; edit < 3; ++edit) {
      state = state * 1664525 + 1013904223;
      const std::size_t at = (state >> 4) % (damaged.size() / 4) * 4;
      state = state * 1664525 + 1013904223;
      const std::uint32_t value = (state >> 8) % 3 == 0 ? 0xffffffff : (state >> 8) % 64;
      std::memcpy(damaged.data() + at, &value, 4);
    }
    test::exercise_facts(damaged);
  }
}

TEST(Facts, ADeepTreeHasItsPaths) {
  std::string path;
  for (int i = 0; i < 2000; ++i) path += "d/";
  FactsBuilder builder;
  builder.file(Scheme::data, path + "f", "");
  const WheelFacts facts = builder.build();
  EXPECT_EQ(facts.path_of(0), path + "f");
  EXPECT_EQ(facts.dirs().size(), 2001U);
}

}  // namespace
}  // namespace axle
