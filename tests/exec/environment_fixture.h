#pragma once
// An environment, a store and wheels in a temporary directory.

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "axle/exec/apply.h"
#include "axle/plan/plan.h"
#include "axle/store/store.h"
#include "exec/environment.h"
#include "exec/receipt.h"
#include "exec/state.h"
#include "support/wheel_writer.h"

namespace axle::test {

class EnvironmentTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "axle-test-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    dir_ = name;
    std::filesystem::create_directory(dir_ / "wheels");
  }
  void TearDown() override {
    std::error_code ignored;
    std::filesystem::remove_all(dir_, ignored);
  }

  std::string root() const { return (dir_ / "env").string(); }
  static std::string site() { return "lib/python3.12/site-packages/"; }
  Store store() const { return Store::open((dir_ / "store").string()); }

  WheelSource source(const WheelWriter& wheel) const {
    return {wheel.write_to((dir_ / "wheels").string()), wheel.file_name(), {}, std::nullopt};
  }

  // Makes the environment hold exactly these wheels.
  ApplyResult sync(const std::vector<WheelWriter>& wheels, LinkMode mode = LinkMode::hardlink,
                   ApplyOptions options = {}) {
    Environment environment = Environment::open(root(), {});
    Store opened = store();
    const Interpreter python =
        foreign_interpreter({"3.12.4", "manylinux_2_28_x86_64", "/usr/bin/python3.12"});
    PlanInput input;
    input.interpreter = python;
    input.layout = venv_layout(python, root());
    input.policy.link_mode = mode;
    input.script_interpreter = root() + "/bin/python";
    if (environment.is_new()) input.venv = VenvSpec{};
    std::vector<WheelSource> sources;
    for (const WheelWriter& wheel : wheels) sources.push_back(source(wheel));
    Diagnostics notes;
    for (WheelFacts& facts : opened.ensure(sources, {}, notes)) {
      input.wheels.push_back({std::move(facts), false, std::nullopt, true});
    }
    Installation installed;
    if (!environment.is_new()) installed = read_installation(environment.root(), input.layout, &opened);
    const Plan plan = make_plan(input);
    return apply(environment, installed, plan, opened, {}, options);
  }

  // Every path with its kind and content, but for axle's own directory.
  std::map<std::string, std::string> tree() const {
    std::map<std::string, std::string> result;
    if (!std::filesystem::exists(root())) return result;
    for (auto it = std::filesystem::recursive_directory_iterator(root()); it != std::filesystem::end(it);
         ++it) {
      const std::string path = it->path().lexically_relative(root()).string();
      if (path == ".axle") {
        it.disable_recursion_pending();
      } else if (it->is_symlink()) {
        result[path] = "link " + std::filesystem::read_symlink(it->path()).string();
      } else if (it->is_directory()) {
        result[path] = "dir";
      } else {
        result[path] = "file " + read(path);
      }
    }
    return result;
  }

  std::string read(const std::string& path) const {
    std::ifstream file(root() + "/" + path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void write(const std::string& path, const std::string& bytes) const {
    std::filesystem::create_directories(std::filesystem::path(root() + "/" + path).parent_path());
    std::filesystem::remove(root() + "/" + path);
    std::ofstream(root() + "/" + path, std::ios::binary) << bytes;
  }

  std::filesystem::path dir_;
};

}  // namespace axle::test
