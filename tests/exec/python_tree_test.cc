#include "exec/python_tree.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "axle/base/error.h"

namespace axle {
namespace {

namespace fs = std::filesystem;

class PythonTree : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "axle-tree-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
    interpreter_ =
        foreign_interpreter({"3.12.4", "manylinux_2_28_x86_64", root_.string() + "/bin/python3.12"});
    interpreter_.base_prefix = root_.string();
    interpreter_.base_executable = root_.string() + "/bin/python3.12";
  }
  void TearDown() override { fs::remove_all(root_); }

  void file(const std::string& path) {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << path;
  }

  std::vector<std::string> list(TreeExtent extent) {
    std::vector<std::string> paths;
    for (const TreeMember& member : list_python_tree(interpreter_, extent)) paths.push_back(member.path);
    return paths;
  }

  fs::path root_;
  Interpreter interpreter_;
};

bool has(const std::vector<std::string>& paths, const std::string& path) {
  return std::find(paths.begin(), paths.end(), path) != paths.end();
}

TEST_F(PythonTree, TakesWhatProgramsNeed) {
  for (const char* path :
       {"bin/python3.12", "bin/pip", "lib/python3.12/os.py", "lib/python3.12/test/test_os.py",
        "lib/python3.12/site-packages/pip/__init__.py", "lib/python3.12/tkinter/__init__.py",
        "lib/python3.12/lib-dynload/_ssl.so", "lib/python3.12/lib-dynload/_tkinter.cpython-312.so",
        "lib/python3.12/__pycache__/os.cpython-312.pyc",
        "lib/python3.12/__pycache__/os.cpython-312.opt-1.pyc",
        "lib/python3.12/config-3.12-x86_64-linux-gnu/libpython3.12.a", "lib/libpython3.12.so.1.0",
        "lib/libtcl8.6.so", "include/python3.12/Python.h", "share/man/man1/python3.1"}) {
    file(path);
  }
  const std::vector<std::string> paths = list(TreeExtent::program);
  for (const char* path : {"bin", "bin/python", "bin/python3", "bin/python3.12", "lib/libpython3.12.so.1.0",
                           "lib/python3.12/os.py", "lib/python3.12/lib-dynload/_ssl.so",
                           "lib/python3.12/__pycache__/os.cpython-312.pyc"}) {
    EXPECT_TRUE(has(paths, path)) << path;
  }
  EXPECT_EQ(paths.size(), 12U);  // these, and lib, lib/python3.12 and its two directories
  const std::vector<std::string> whole = list(TreeExtent::whole);
  for (const char* path : {"lib/python3.12/test/test_os.py", "lib/python3.12/tkinter/__init__.py",
                           "lib/libtcl8.6.so", "include/python3.12/Python.h"}) {
    EXPECT_TRUE(has(whole, path)) << path;
  }
  for (const char* path : {"bin/pip", "lib/python3.12/site-packages/pip/__init__.py",
                           "lib/python3.12/__pycache__/os.cpython-312.opt-1.pyc"}) {
    EXPECT_FALSE(has(whole, path)) << path;
  }
}

TEST_F(PythonTree, RefusesWhatIsNoTreeOfItsOwn) {
  EXPECT_THROW(list(TreeExtent::program), Error);
  interpreter_.base_prefix = "/usr";
  EXPECT_THROW(list(TreeExtent::program), Error);
}

std::string pyc(std::uint32_t flags, std::uint32_t first, std::uint32_t second) {
  std::string bytes = "\xcb\x0d\x0d\x0a";
  for (const std::uint32_t value : {flags, first, second}) {
    for (int i = 0; i < 4; ++i) bytes += static_cast<char>(value >> (8 * i) & 0xff);
  }
  return bytes + "code";
}

TEST(SettleByteCode, DependsOnTheSourceAndNoTime) {
  const auto settled = settle_byte_code(pyc(0, 1000, 6), "x = 1\n", 1000);
  ASSERT_TRUE(settled);
  EXPECT_EQ((*settled)[4], 1);
  EXPECT_EQ(settled->substr(16), "code");
  EXPECT_EQ(settle_byte_code(pyc(0, 1000, 6), "x = 1\n", 1001), std::nullopt);
  EXPECT_EQ(settle_byte_code(pyc(0, 1000, 7), "x = 1\n", 1000), std::nullopt);
  EXPECT_EQ(settle_byte_code(pyc(1, 7, 7), "x = 1\n", 0), pyc(1, 7, 7));
  EXPECT_EQ(settle_byte_code("short", "", 0), std::nullopt);
}

}  // namespace
}  // namespace axle
