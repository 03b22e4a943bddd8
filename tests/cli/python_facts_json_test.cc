// What `axle python --json` writes is what `--python FILE` takes back.

#include "cli/python_facts_json.h"

#include <gtest/gtest.h>

namespace axle {
namespace {

TEST(PythonFactsJson, ReadsBackTheSame) {
  for (const char* platform :
       {"manylinux_2_36_x86_64", "musllinux_1_2_aarch64", "macosx_14_0_arm64", "win_amd64"}) {
    for (const char* version : {"3.11.7", "3.13.1t", "3.15.0rc1"}) {
      Interpreter python = foreign_interpreter({version, platform, ""});
      EXPECT_EQ(parse_interpreter_facts(render_interpreter_facts(python), "facts.json"), python);
      python.foreign = false;
      python.venv = "/env \"quoted\" \\ caf\xC3\xA9";
      python.system_site_packages = true;
      python.debug = true;
      python.system.headers = "/elsewhere";
      EXPECT_EQ(parse_interpreter_facts(render_interpreter_facts(python), "facts.json"), python);
    }
  }
}

}  // namespace
}  // namespace axle
