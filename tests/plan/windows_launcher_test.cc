// Windows launchers by their structure: the program's headers, the line behind it, the zip.
// tests/e2e/windows.py runs them where Wine is.

#include "plan/windows_launcher.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "axle/base/error.h"
#include "axle/object/object_facts.h"
#include "env/temp_tree.h"
#include "plan/launcher_scripts.h"
#include "plan/launcher_stubs.h"

namespace axle {
namespace {

using axle_test::host_python;
using axle_test::run;
using axle_test::TempTree;

TEST(WindowsLauncher, IsStubThenShebangThenZip) {
  const TempTree tree;
  const std::string main_py = render_entry_point_main({"pkg.cli", "main"});
  const std::string bytes = render_windows_launcher({"MZstub", "C:\\env\\Scripts\\python.exe", main_py});
  EXPECT_TRUE(bytes.starts_with("MZstub#!C:\\env\\Scripts\\python.exe\nPK\x03\x04"));
  EXPECT_EQ(bytes, render_windows_launcher({"MZstub", "C:\\env\\Scripts\\python.exe", main_py}));
  // Python reads what follows the stub as an archive, and runs it.
  const std::string file = tree.write("tool.exe", bytes);
  EXPECT_EQ(run(host_python() + " -c \"import zipfile; z = zipfile.ZipFile('" + file +
                "'); print(z.testzip(), z.namelist(), z.infolist()[0].date_time[0])\"")
                .out,
            "None ['__main__.py'] 1980");
  tree.write("lib/pkg/cli.py", "import sys\ndef main():\n    return sys.argv[0].endswith('/tool') and 3\n");
  EXPECT_EQ(
      run("PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=" + tree.at("lib") + " " + host_python() + " " + file).status,
      3);
  EXPECT_THROW(render_windows_launcher({"", "C:\\a\nb", ""}), Error);
}

std::uint64_t number(std::string_view bytes, std::size_t at, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = size; i > 0; --i) value = value << 8 | static_cast<unsigned char>(bytes[at + i - 1]);
  return value;
}

struct Expected {
  const char* arch;
  WindowsKind kind;
  Stub stub;
  std::uint64_t subsystem;  // spec: PE Format, "Windows Subsystem": 3 has a console, 2 has none
};
constexpr Expected programs[] = {
    {"amd64", WindowsKind::console, Stub::windows_amd64_console, 3},
    {"amd64", WindowsKind::gui, Stub::windows_amd64_gui, 2},
    {"x86", WindowsKind::console, Stub::windows_x86_console, 3},
    {"x86", WindowsKind::gui, Stub::windows_x86_gui, 2},
};

TEST(WindowsStub, IsAProgramThatNeedsTheSystemOnlyAndHoldsNoTime) {
  int looked = 0;
  for (const Expected& expected : programs) {
    const std::string_view stub = launcher_stub(expected.stub);
    if (stub.empty()) continue;
    ++looked;
    EXPECT_EQ(windows_stub(expected.arch, expected.kind), stub);
    const auto facts = read_object(stub);
    ASSERT_TRUE(facts);
    EXPECT_EQ(facts->error, "");
    EXPECT_EQ(facts->format, ObjectFacts::Format::pe);
    EXPECT_EQ(facts->kind, ObjectFacts::Kind::executable);
    EXPECT_EQ(facts->bits, expected.arch == std::string_view("x86") ? 32 : 64);
    for (const std::string& library : facts->needed) {
      EXPECT_TRUE(library == "KERNEL32.dll" || (library == "USER32.dll" && expected.kind == WindowsKind::gui))
          << library;
    }
    const auto header = static_cast<std::size_t>(number(stub, 0x3C, 4));
    EXPECT_EQ(number(stub, header + 8, 4), 0U) << "a time";
    EXPECT_EQ(number(stub, header + 24 + 68, 2), expected.subsystem);
    // The launcher looks for "#!" where its last section ends: nothing may stand behind that.
    const std::uint64_t sections = number(stub, header + 6, 2);
    const std::uint64_t first = header + 24 + number(stub, header + 20, 2);
    std::uint64_t end = 0;
    for (std::uint64_t i = 0; i < sections; ++i) {
      const auto at = static_cast<std::size_t>(first + i * 40);
      if (number(stub, at + 16, 4) == 0) continue;
      end = std::max(end, number(stub, at + 16, 4) + number(stub, at + 20, 4));
    }
    EXPECT_EQ(end, stub.size());
  }
  if (looked == 0) GTEST_SKIP() << "no mingw-w64 where this was built";
}

TEST(WindowsStub, OtherMachinesAreUnsupported) {
  for (const char* arch : {"arm64", "", "ia64"}) {
    try {
      windows_stub(arch, WindowsKind::console);
      FAIL() << arch;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::unsupported);
      EXPECT_FALSE(error.hint().empty());
    }
  }
}

TEST(WindowsLauncher, FlagsAndSpacesAreInTheLine) {
  EXPECT_TRUE(render_windows_launcher({"MZ", "C:\\my env\\python.exe", "", {"-I", "-X", "utf8"}})
                  .starts_with("MZ#!\"C:\\my env\\python.exe\" -I -X utf8\nPK"));
}

TEST(WindowsLauncher, NamesTheInterpreterOfAnEnvironment) {
  Layout layout;
  layout.os = Os::windows;
  layout.scripts = RelPath::parse("Scripts");
  layout.root = "/home/u/env";
  EXPECT_EQ(windows_environment_python(layout), "<launcher_dir>\\python.exe");
  layout.root = "C:\\env";
  EXPECT_EQ(windows_environment_python(layout), "C:\\env\\Scripts\\python.exe");
  EXPECT_EQ(with_w("C:\\pythons\\python3.13t.exe"), "C:\\pythons\\pythonw3.13t.exe");
  EXPECT_EQ(with_w("<launcher_dir>\\python.exe"), "<launcher_dir>\\pythonw.exe");
  EXPECT_EQ(with_w("C:\\pythonw.exe"), "C:\\pythonw.exe");
  EXPECT_EQ(with_w("C:\\python\\other.exe"), "C:\\python\\other.exe");
  EXPECT_EQ(with_w("python"), "pythonw");
}

}  // namespace
}  // namespace axle
