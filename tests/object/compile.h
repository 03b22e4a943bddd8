#pragma once
// Real objects, made by the compilers at hand from a few lines of C.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace axle::test {

// A directory of its own for one test.
class Workshop {
 public:
  Workshop() {
    std::string name = (std::filesystem::temp_directory_path() / "axle-object-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary directory");
    root_ = name;
  }
  ~Workshop() {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }
  Workshop(const Workshop&) = delete;
  Workshop& operator=(const Workshop&) = delete;

  std::filesystem::path at(const std::string& name) const { return root_ / name; }

  std::string write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories(at(name).parent_path());
    std::ofstream(at(name), std::ios::binary) << text;
    return at(name).string();
  }

  std::string read(const std::string& name) const {
    std::ifstream file(at(name), std::ios::binary);
    return std::string((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  }

  // Compiles `source` with the given words of a command line; true when that worked.
  bool try_compile(const std::string& name, const std::string& source, const std::string& options,
                   const std::string& compiler = "cc") const {
    const std::string input = write("source-" + std::to_string(++count_) + ".c", source);
    std::filesystem::create_directories(at(name).parent_path());
    return run(compiler + " -o '" + at(name).string() + "' '" + input + "' " + options).status == 0;
  }
  void compile(const std::string& name, const std::string& source, const std::string& options) const {
    ASSERT_TRUE(try_compile(name, source, options)) << name << " " << options;
  }

  struct Result {
    int status;
    std::string output;
  };
  // A shell command in the directory, with its standard output and error.
  Result run(const std::string& command) const {
    const std::string log = at("log").string();
    const int status =
        std::system(("cd '" + root_.string() + "' && { " + command + "; } >'" + log + "' 2>&1").c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read("log")};
  }

 private:
  std::filesystem::path root_;
  mutable int count_ = 0;
};

inline bool has_program(const std::string& name) {
  return std::system(("command -v " + name + " >/dev/null 2>&1").c_str()) == 0;
}

}  // namespace axle::test
