#include "axle/env/layout.h"

#include <gtest/gtest.h>

#include "axle/base/error.h"

namespace axle {
namespace {

Interpreter make(const char* version, const char* platform) {
  return foreign_interpreter({version, platform, ""});
}
std::string text(const std::optional<RelPath>& path) { return path ? path->str() : ""; }

TEST(Layout, VenvOnEachSystem) {
  const Layout posix = venv_layout(make("3.13t", "manylinux_2_28_x86_64"), "/opt/venv");
  EXPECT_EQ(text(posix.purelib), "lib/python3.13t/site-packages");
  EXPECT_EQ(posix.platlib, posix.purelib);
  EXPECT_EQ(text(posix.scripts), "bin");
  EXPECT_EQ(text(posix.data), "");
  EXPECT_EQ(text(posix.headers), "include/site/python3.13");
  EXPECT_EQ(absolute_path(posix, posix.scripts), "/opt/venv/bin");
  const Layout windows = venv_layout(make("3.12", "win_amd64"), "C:\\env");
  EXPECT_EQ(text(windows.purelib), "Lib/site-packages");
  EXPECT_EQ(text(windows.scripts), "Scripts");
  EXPECT_EQ(absolute_path(windows, windows.purelib), "C:\\env\\Lib\\site-packages");
}

TEST(Layout, PlatlibOfItsOwnBeginsWith315) {
  Interpreter python = make("3.14.2", "manylinux_2_39_x86_64");
  python.platlibdir = "lib64";
  EXPECT_EQ(text(venv_layout(python, "/v").platlib), "lib/python3.14/site-packages");
  EXPECT_EQ(text(prefix_layout(python, "/v").platlib), "lib64/python3.14/site-packages");
  python.version = "3.15.0";
  EXPECT_EQ(text(venv_layout(python, "/v").platlib), "lib64/python3.15/site-packages");
  EXPECT_EQ(text(venv_layout(python, "/v").purelib), "lib/python3.15/site-packages");
}

TEST(Layout, TargetPrefixAndSystem) {
  Interpreter python = make("3.11.2", "manylinux_2_36_x86_64");
  const Layout target = target_layout(python, "/t");
  EXPECT_EQ(text(target.purelib), "");
  EXPECT_EQ(text(target.scripts), "bin");
  EXPECT_EQ(text(prefix_layout(python, "/p").headers), "include/python3.11");
  python.system = {"/usr/local/lib/python3.11/dist-packages", "/usr/local/lib/python3.11/dist-packages",
                   "/usr/local/bin", "/usr/local", "/usr/local/include/python3.11"};
  const Layout debian = system_layout(python);
  EXPECT_EQ(debian.root, "/usr/local");
  EXPECT_EQ(text(debian.purelib), "lib/python3.11/dist-packages");
  EXPECT_EQ(text(debian.data), "");
  python.system.headers = "/usr/include/python3.11";
  EXPECT_EQ(system_layout(python).root, "/usr");
  EXPECT_EQ(text(system_layout(python).data), "local");
  python.system.headers = "/opt/include";
  EXPECT_EQ(absolute_path(system_layout(python), system_layout(python).scripts), "/usr/local/bin");
  python.system.headers = "";
  EXPECT_THROW(system_layout(python), Error);
  EXPECT_EQ(system_layout(make("3.12", "win_amd64")).root, "C:\\Python312");
}

TEST(RecordPath, RendersRelativeToSitePackages) {
  const RelPath site = RelPath::parse("lib/python3.11/site-packages");
  EXPECT_EQ(record_path(site, RelPath::parse("lib/python3.11/site-packages/a/b.py")), "a/b.py");
  EXPECT_EQ(record_path(site, RelPath::parse("bin/tool")), "../../../bin/tool");
  EXPECT_EQ(record_path(site, RelPath::parse("lib/x.txt")), "../../x.txt");
  EXPECT_EQ(record_path(std::nullopt, RelPath::parse("bin/tool")), "bin/tool");
}

TEST(RecordPath, ResolvesBackAndStaysInside) {
  const Layout layout = venv_layout(make("3.11", "linux_x86_64"), "/env");
  const auto resolve = [&](const char* row) {
    return text(resolve_record_path(layout, layout.purelib, row));
  };
  for (const char* path :
       {"bin/tool", "lib/x", "lib/python3.11/site-packages/a.py", "include/site/python3.11/n/h.h"}) {
    EXPECT_EQ(resolve(record_path(layout.purelib, RelPath::parse(path)).c_str()), path);
  }
  EXPECT_EQ(resolve("./a//b.py"), "lib/python3.11/site-packages/a/b.py");
  EXPECT_EQ(resolve("/env/bin/tool"), "bin/tool");
  for (const char* outside :
       {"", "../../../../etc/passwd", "/etc/passwd", "/env2/bin/tool", "/env", "/env/", "a/", "../../..",
        "../../../../env/bin/tool", "/env/../etc/passwd", "a\\b", "C:/x", "a\nb"}) {
    EXPECT_EQ(resolve(outside), "") << outside;
  }
  const Layout windows = venv_layout(make("3.11", "win_amd64"), "C:\\env");
  EXPECT_EQ(text(resolve_record_path(windows, windows.purelib, "..\\..\\Scripts\\a.exe")), "Scripts/a.exe");
  EXPECT_EQ(text(resolve_record_path(windows, windows.purelib, "c:\\ENV\\Scripts\\a.exe")), "Scripts/a.exe");
  EXPECT_EQ(text(resolve_record_path(windows, windows.purelib, "D:\\env\\Scripts\\a.exe")), "");
}

}  // namespace
}  // namespace axle
