// Whole wheels, written from text and inspected.

#include "axle/wheel/inspect.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "axle/archive/archive.h"
#include "axle/base/error.h"
#include "axle/wheel/record.h"
#include "support/wheel_writer.h"

namespace axle {
namespace {

using test::WheelWriter;

class Inspect : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "axle-wheel-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  WheelFacts inspect(const WheelWriter& wheel) {
    const Archive archive = Archive::open(AT_FDCWD, wheel.write_to(directory_));
    return inspect_wheel(archive, WheelFilename::parse(wheel.file_name()), wheel.file_name(),
                         Sha256::of("archive"));
  }
  // "code: what"; "" when there is no error.
  std::string error(const WheelWriter& wheel) {
    try {
      inspect(wheel);
    } catch (const Error& e) {
      EXPECT_NE(std::string(e.what()).find(wheel.file_name()), std::string::npos) << e.what();
      return std::string(to_string(e.code())) + ": " + e.what();
    }
    return "";
  }
  std::string code(const WheelWriter& wheel) {
    const std::string text = error(wheel);
    return text.substr(0, text.find(':'));
  }
  std::vector<RecordFault> faults(const WheelWriter& wheel) { return inspect(wheel).record_faults(); }
  std::string fault_paths(const WheelWriter& wheel) {
    std::string paths;
    for (const auto& fault : faults(wheel)) paths += fault.path + ";";
    return paths;
  }

  std::string directory_;
};

std::string row(std::string_view path, std::string_view content) {
  std::string out;
  append_record_row(out, path, Sha256::of(content).base64url(), content.size());
  return out;
}

WheelWriter demo() {
  WheelWriter wheel;
  wheel.file("demo/__init__.py", "x = 1\n");
  return wheel;
}

TEST_F(Inspect, AWholeWheel) {
  WheelWriter wheel = demo();
  wheel.metadata("Requires-Dist: other>=1")
      .metadata("Requires-Python: >=3.8")
      .entry_points("[console_scripts]\ndemo = demo:main\n")
      .file("demo/run.sh", "#!/bin/sh\n", 0100755)
      .file("demo/odd.sh", "#!/bin/sh\n", 0755)  // no file type: not told to be a regular file
      .file("demo-1.0.data/scripts/tool", "#!python -I\nprint()\n")
      .file("demo-1.0.data/data/share/x.txt", "x")
      .file("demo-1.0.data/headers/demo.h", "")
      .file("demo-1.0.data/purelib/extra.py", "")
      .file("demo-1.0.data/platlib/plat.py", "")
      .file("demo.pth", "import os\n")
      .file("demo-1.0.dist-info/INSTALLER", "evil\n")
      .file("demo-1.0.dist-info/direct_url.json", "{}")
      .directory("demo")
      .directory("demo-1.0.data");
  const WheelFacts facts = inspect(wheel);
  EXPECT_TRUE(facts.record_ok()) << facts.record_faults().front().path << facts.record_faults().front().what;
  EXPECT_EQ(facts.name(), "demo");
  EXPECT_EQ(facts.requires_dist(), std::vector<std::string_view>{"other>=1"});
  EXPECT_EQ(facts.requires_python(), ">=3.8");
  EXPECT_EQ(facts.wheel_sha256(), Sha256::of("archive"));
  EXPECT_EQ(facts.file_name(), "demo-1.0-py3-none-any.whl");
  EXPECT_EQ(facts.entry_points().size(), 1U);
  EXPECT_EQ(facts.startup(0).text, "import os\n");
  const auto has = [&](Scheme scheme, std::string_view path) { return facts.find(scheme, path).has_value(); };
  EXPECT_TRUE(has(Scheme::purelib, "demo/__init__.py"));
  EXPECT_TRUE(has(Scheme::purelib, "extra.py"));
  EXPECT_TRUE(has(Scheme::platlib, "plat.py"));
  EXPECT_TRUE(has(Scheme::headers, "demo.h"));
  EXPECT_TRUE(has(Scheme::data, "share/x.txt"));
  EXPECT_TRUE(has(Scheme::purelib, "demo-1.0.dist-info/METADATA"));
  EXPECT_FALSE(has(Scheme::purelib, "demo-1.0.dist-info/RECORD"));
  EXPECT_FALSE(has(Scheme::purelib, "demo-1.0.dist-info/INSTALLER"));
  EXPECT_FALSE(has(Scheme::purelib, "demo-1.0.dist-info/direct_url.json"));
  const auto executable = [&](Scheme scheme, std::string_view path) {
    return facts.file(*facts.find(scheme, path)).has(file_flag::executable);
  };
  EXPECT_TRUE(executable(Scheme::purelib, "demo/run.sh"));
  EXPECT_FALSE(executable(Scheme::purelib, "demo/odd.sh"));
  EXPECT_FALSE(executable(Scheme::purelib, "demo/__init__.py"));
  EXPECT_TRUE(executable(Scheme::scripts, "tool"));
  EXPECT_TRUE(facts.file(*facts.find(Scheme::scripts, "tool")).has(file_flag::script_python));
  EXPECT_EQ(facts.file(*facts.find(Scheme::data, "share/x.txt")).sha256, Sha256::of("x"));
}

TEST_F(Inspect, RootGoesWhereWheelSays) {
  WheelWriter wheel = demo();
  wheel.root_is_purelib("false");
  EXPECT_TRUE(inspect(wheel).find(Scheme::platlib, "demo/__init__.py"));
}

TEST_F(Inspect, WhatRecordGetsWrong) {
  EXPECT_EQ(fault_paths(demo()), "");
  EXPECT_EQ(fault_paths(demo().record_row("demo/__init__.py", row("demo/__init__.py", "x = 2\n"))),
            "demo/__init__.py;");
  EXPECT_EQ(fault_paths(demo().record_row(
                "demo/__init__.py",
                "demo/__init__.py," + ("sha256=" + Sha256::of("x = 1\n").base64url()) + ",7\n")),
            "demo/__init__.py;");
  EXPECT_EQ(faults(demo().record_row("demo/__init__.py", "")),
            (std::vector<RecordFault>{{"demo/__init__.py", "RECORD does not list it"}}));
  EXPECT_EQ(fault_paths(demo().extra_record_row("demo/gone.py,,\n")), "demo/gone.py;");
  EXPECT_EQ(fault_paths(demo().extra_record_row("./demo/__init__.py,,\n")), "./demo/__init__.py;");
  EXPECT_EQ(fault_paths(demo().directory("demo").extra_record_row("demo/,,\n")), "demo/;");
  EXPECT_EQ(fault_paths(demo().extra_record_row("demo\\x.py,,\n")), "demo\\x.py;");
  EXPECT_EQ(fault_paths(demo().record_row("demo/__init__.py", "demo/__init__.py,,6\n")), "demo/__init__.py;");
  for (const auto* digest :
       {"md5=3Z5rPyB4gMZnxWxqd_GUtQ", "sha1=x", "whirlpool=x", "sha256=short", "sha256=!!"}) {
    EXPECT_EQ(fault_paths(
                  demo().record_row("demo/__init__.py", "demo/__init__.py," + std::string(digest) + ",6\n")),
              "demo/__init__.py;")
        << digest;
  }
  // A weak digest beside a strong one is passed over, and so is a row that says the same twice.
  EXPECT_EQ(fault_paths(demo().extra_record_row("demo/__init__.py,md5=x,6\n")), "");
  EXPECT_EQ(fault_paths(demo().extra_record_row(row("demo/__init__.py", "x = 1\n"))), "");
  EXPECT_EQ(fault_paths(demo().extra_record_row(row("demo/__init__.py", "y = 1\n"))), "demo/__init__.py;");
  EXPECT_EQ(fault_paths(demo().extra_record_row("demo-1.0.dist-info/RECORD.jws,,\n\r\n\n")), "");
}

TEST_F(Inspect, OtherStrongDigests) {
  for (const auto algorithm : {HashAlgorithm::sha384, HashAlgorithm::sha512}) {
    Hasher hasher(algorithm);
    hasher.update("x = 1\n");
    const std::string digest = std::string(to_string(algorithm)) + "=" + base64url_encode(hasher.finish());
    EXPECT_EQ(fault_paths(demo().record_row("demo/__init__.py", "demo/__init__.py," + digest + ",6\n")), "");
    EXPECT_EQ(fault_paths(demo()
                              .file("demo/__init__.py", "x = 2\n")
                              .record_row("demo/__init__.py", "demo/__init__.py," + digest + ",6\n")),
              "demo/__init__.py;");
  }
}

TEST_F(Inspect, PartsOfDataAreNamedAsInTheArchive) {
  WheelWriter wheel = demo();
  wheel.file("demo-1.0.data/scripts/tool", "x")
      .record_row("demo-1.0.data/scripts/tool", row("demo-1.0.data/scripts/tool", "y"));
  EXPECT_EQ(fault_paths(wheel), "demo-1.0.data/scripts/tool;");
}

TEST_F(Inspect, MalformedWheels) {
  const std::string info = "demo-1.0.dist-info/";
  EXPECT_EQ(code(demo().without(info + "RECORD")), "bad_input");
  EXPECT_EQ(code(demo().without(info + "WHEEL")), "bad_input");
  EXPECT_EQ(code(demo().without(info + "METADATA")), "bad_input");
  EXPECT_EQ(code(demo().file(info + "RECORD", "\"open\n")), "bad_input");
  for (const auto* path : {"/etc/passwd", "../../x", "C:/x", "a/../../x"}) {
    EXPECT_EQ(code(demo().extra_record_row(std::string(path) + ",,\n")), "bad_input") << path;
  }
  EXPECT_EQ(code(demo().file(info + "METADATA", "Metadata-Version: 2.1\nName: other\nVersion: 1.0\n")),
            "bad_input");
  EXPECT_EQ(code(demo().file(info + "METADATA", "Metadata-Version: 2.1\nName: demo\nVersion: 1.1\n")),
            "bad_input");
  EXPECT_EQ(code(demo().file(info + "METADATA", "Metadata-Version: 3.0\nName: demo\nVersion: 1.0\n")),
            "unsupported");
  EXPECT_EQ(code(demo().file(info + "WHEEL", "Wheel-Version: 2.0\n")), "unsupported");
  EXPECT_EQ(code(demo().file("other-2.0.dist-info/METADATA", "")), "bad_input");
  EXPECT_EQ(code(demo().file("demo-1.0.data/etc/x", "")), "bad_input");
  EXPECT_EQ(code(demo().file("demo-1.0.data/scripts", "")), "bad_input");
  EXPECT_EQ(code(demo().file("demo-1.0.data/scripts/a/b", "")), "bad_input");
  EXPECT_EQ(code(demo().entry_points("a = b\n")), "bad_input");
  // What is as it should be in other words.
  EXPECT_EQ(error(demo().file(info + "METADATA", "Metadata-Version: 2.1\nName: DEMO\nVersion: v1.0.0\n")),
            "");
  EXPECT_EQ(error(demo().file("other-2.0.data/scripts/x", "")), "");
  EXPECT_NE(error(demo().file(info + "RECORD", "\"open\n")).find("demo-1.0-py3-none-any.whl: RECORD:1"),
            std::string::npos);
}

TEST_F(Inspect, OldNamesOfDirectories) {
  WheelWriter wheel("demo_pkg", "1.0.post1");
  for (const auto* stem : {"Demo.Pkg-1.0.post1", "demo-pkg-1.0-1", "demo__pkg-1.0.0.post1"}) {
    const std::string info = std::string(stem) + ".dist-info/";
    WheelWriter old("demo_pkg", "1.0.post1");
    old.without("demo_pkg-1.0.post1.dist-info/RECORD")
        .without("demo_pkg-1.0.post1.dist-info/WHEEL")
        .without("demo_pkg-1.0.post1.dist-info/METADATA")
        .file(info + "METADATA", "Metadata-Version: 1.0\nName: Demo.Pkg\nVersion: 1.0-1\n")
        .file(info + "WHEEL", "Wheel-Version: 1.0\n")
        .file(info + "RECORD", "")
        .file(std::string(stem) + ".data/scripts/x", "");
    const WheelFacts facts = inspect(old);
    EXPECT_EQ(facts.dist_info(), std::string(stem) + ".dist-info");
    EXPECT_TRUE(facts.find(Scheme::scripts, "x"));
    EXPECT_EQ(facts.record_faults().size(), 3U);
  }
  EXPECT_EQ(code(WheelWriter("demo", "1.0")
                     .without("demo-1.0.dist-info/METADATA")
                     .without("demo-1.0.dist-info/WHEEL")
                     .without("demo-1.0.dist-info/RECORD")
                     .file("demo-2.0.dist-info/RECORD", "")),
            "bad_input");
}

TEST_F(Inspect, TheEnvironmentsOwnFiles) {
  for (const auto* name : {"python", "Python3.exe", "python3.12", "pypy3", "activate.fish"}) {
    EXPECT_EQ(code(demo().entry_points("[console_scripts]\n" + std::string(name) + " = demo:main\n")),
              "bad_input")
        << name;
    EXPECT_EQ(code(demo().file("demo-1.0.data/scripts/" + std::string(name), "")), "bad_input") << name;
    EXPECT_EQ(code(demo().file("demo-1.0.data/data/bin/" + std::string(name), "")), "bad_input") << name;
    EXPECT_EQ(code(demo().file("demo-1.0.data/data/Scripts/" + std::string(name), "")), "bad_input") << name;
  }
  EXPECT_EQ(code(demo().file("demo-1.0.data/data/pyvenv.cfg", "")), "bad_input");
  EXPECT_EQ(code(demo().file("demo-1.0.data/data/.axle/receipt", "")), "bad_input");
  EXPECT_EQ(error(demo()
                      .entry_points("[other]\npython = demo:main\n")
                      .file("demo/pyvenv.cfg", "")
                      .file("demo-1.0.data/data/bin/pythonx", "")),
            "");
}

TEST_F(Inspect, MetadataOfOthers) {
  EXPECT_EQ(code(demo().file("demo-1.0.data/purelib/other-1.0.dist-info/RECORD", "")), "conflict");
  EXPECT_EQ(
      code(demo().file("demo-1.0.data/data/lib/python3.12/site-packages/other-1.0.dist-info/RECORD", "")),
      "conflict");
  EXPECT_EQ(error(demo().file("demo-1.0.data/purelib/demo-1.0.dist-info/licenses/LICENSE", "")), "");
  EXPECT_FALSE(inspect(demo().file("demo-1.0.data/purelib/demo-1.0.dist-info/RECORD", "evil"))
                   .find(Scheme::purelib, "demo-1.0.dist-info/RECORD"));
}

TEST_F(Inspect, TheWheelAgainstItself) {
  EXPECT_EQ(code(demo().file("demo-1.0.data/purelib/demo/__init__.py", "x = 22\n")), "bad_input");
  EXPECT_EQ(code(demo().file("demo-1.0.data/platlib/demo/__init__.py", "x = 2\n")), "bad_input");
  EXPECT_EQ(error(demo().file("demo-1.0.data/purelib/demo/__init__.py", "x = 1\n")), "");
  EXPECT_EQ(code(demo().file("demo-1.0.data/purelib/demo", "x = 1\n")), "bad_input");
}

TEST_F(Inspect, NotesAndLicenses) {
  WheelWriter wheel = demo();
  wheel
      .file("demo-1.0.dist-info/METADATA",
            "Metadata-Version: 2.4\nName: demo\nVersion: 1.0\nLicense-File: LICENSE\nLicense-File: GONE\n")
      .file("demo-1.0.dist-info/licenses/LICENSE", "")
      .file("demo-1.0.dist-info/WHEEL", "Wheel-Version: 1.2\nRoot-Is-Purelib: true\n");
  EXPECT_EQ(inspect(wheel).warnings().size(), 2U);
}

TEST_F(Inspect, PiecesGiveTheSameAsTheWhole) {
  const std::string elf =
      "\x7f"
      "ELF" +
      std::string(100'000, '\0');
  WheelWriter wheel = demo();
  wheel.file("demo/empty.so", elf)
      .file("ns/__init__.py", "# nothing\n")
      .file("a.pth", std::string(70'000, '#'));
  const Archive archive = Archive::open(AT_FDCWD, wheel.write_to(directory_));
  const WheelHead head = read_head(archive, WheelFilename::parse(wheel.file_name()), wheel.file_name());
  ReadBuffer buffer;
  for (std::size_t i = 0; i < archive.members().size(); ++i) {
    const std::string content(archive.read(archive.members()[i], buffer));
    const MemberFacts whole = inspect_member(head, i, content);
    MemberInspector inspector(head, i);
    for (std::size_t at = 0; at < content.size(); at += 1000)
      inspector.update(std::string_view(content).substr(at, 1000));
    const MemberFacts pieces = inspector.finish([&](std::uint64_t offset, char* into, std::size_t size) {
      if (offset > content.size() || size > content.size() - offset) return false;
      content.copy(into, size, static_cast<std::size_t>(offset));
      return true;
    });
    EXPECT_EQ(whole.sha256, pieces.sha256);
    EXPECT_EQ(whole.size, pieces.size);
    EXPECT_EQ(whole.flags, pieces.flags);
    ASSERT_EQ(whole.details == nullptr, pieces.details == nullptr) << archive.members()[i].name;
    if (!whole.details) continue;
    EXPECT_EQ(whole.details->fault, pieces.details->fault);
    EXPECT_EQ(whole.details->startup_text, pieces.details->startup_text);
    EXPECT_EQ(whole.details->init.has_value(), pieces.details->init.has_value());
    ASSERT_EQ(whole.details->object == nullptr, pieces.details->object == nullptr);
    if (whole.details->object) {
      EXPECT_EQ(*whole.details->object, *pieces.details->object);
    }
  }
  const WheelFacts facts = inspect(wheel);
  EXPECT_TRUE(facts.startup(0).truncated);
  EXPECT_EQ(facts.startup(0).text.size(), 64U << 10);
  EXPECT_TRUE(facts.file(*facts.find(Scheme::purelib, "demo/empty.so")).has(file_flag::native));
}

}  // namespace
}  // namespace axle
