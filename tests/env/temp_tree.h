#pragma once
// A directory that goes away with the test, and programs run in it.

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

namespace axle_test {

class TempTree {
 public:
  TempTree() {
    std::string pattern = (std::filesystem::temp_directory_path() / "axle-env-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  TempTree(const TempTree&) = delete;
  TempTree& operator=(const TempTree&) = delete;
  ~TempTree() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::string& path() const { return path_; }
  std::string at(const std::string& below) const { return path_ + "/" + below; }
  std::string write(const std::string& below, const std::string& text, int mode = 0644) const {
    const std::string file = at(below);
    std::filesystem::create_directories(std::filesystem::path(file).parent_path());
    std::ofstream(file, std::ios::binary) << text;
    ::chmod(file.c_str(), static_cast<mode_t>(mode));
    return file;
  }
  void link(const std::string& target, const std::string& below) const {
    std::filesystem::create_directories(std::filesystem::path(at(below)).parent_path());
    std::filesystem::create_symlink(target, at(below));
  }

 private:
  std::string path_;
};

inline std::string read_all(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

struct Ran {
  int status = -1;
  std::string out;
};

// `text` in single quotes for sh.
inline std::string sh_quote(const std::string& text) {
  std::string out = "'";
  for (char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

// Runs a command line by /bin/sh; standard error goes to standard output.
inline Ran run(const std::string& command) {
  Ran ran;
  FILE* pipe = ::popen(("{ " + command + "\n} 2>&1 </dev/null").c_str(), "r");
  if (pipe == nullptr) return ran;
  std::array<char, 4096> buffer{};
  for (std::size_t got = 0; (got = ::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) {
    ran.out.append(buffer.data(), got);
  }
  const int status = ::pclose(pipe);
  ran.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
  while (ran.out.ends_with('\n')) ran.out.pop_back();
  return ran;
}

// The real file of the python3 on this machine's PATH, shims resolved by running it.
inline std::string host_python() {
  static const std::string path =
      run("python3 -I -c 'import os, sys; print(os.path.realpath(sys._base_executable))'").out;
  return path;
}

}  // namespace axle_test
