#include "axle/pep/target.h"

#include <string>

#include "axle/base/error.h"
#include "base/text.h"

namespace axle {
namespace {

struct OsNames {
  std::string_view os_name;
  std::string_view sys_platform;
  std::string_view platform_system;
};

struct OsRow {
  std::string_view tag_start;  // of the platform tag
  std::size_t numbers;         // of version numbers between it and the machine
  OsNames names;
};

// The numbers are separated by '_', as in manylinux_2_28_x86_64.
constexpr OsRow os_rows[] = {
    {"manylinux1_", 0, {"posix", "linux", "Linux"}},
    {"manylinux2010_", 0, {"posix", "linux", "Linux"}},
    {"manylinux2014_", 0, {"posix", "linux", "Linux"}},
    {"manylinux_", 2, {"posix", "linux", "Linux"}},
    {"musllinux_", 2, {"posix", "linux", "Linux"}},
    {"linux_", 0, {"posix", "linux", "Linux"}},
    {"macosx_", 2, {"posix", "darwin", "Darwin"}},
    {"win", 0, {"nt", "win32", "Windows"}},
    {"ios_", 2, {"posix", "ios", "iOS"}},
    {"android_", 1, {"posix", "android", "Android"}},
    {"pyemscripten_", 2, {"posix", "emscripten", "Emscripten"}},
    {"emscripten_", 3, {"posix", "emscripten", "Emscripten"}},
};

std::string machine_of(const OsRow& row, std::string_view platform) {
  if (row.names.os_name == "nt") {
    if (platform == "win_amd64") return "AMD64";
    if (platform == "win_arm64") return "ARM64";
    return platform == "win32" ? "x86" : std::string(platform.substr(4));
  }
  std::string_view rest = platform.substr(row.tag_start.size());
  for (std::size_t i = 0; i < row.numbers; ++i) {
    const auto end = rest.find('_');
    if (end == std::string_view::npos) return {};
    rest.remove_prefix(end + 1);
  }
  if (row.names.sys_platform == "ios") rest = rest.substr(0, rest.find('_'));
  // A universal build runs as either; new machines are arm64.
  return rest == "universal2" ? "arm64" : std::string(rest);
}

struct Implementation {
  std::string_view tag;
  std::string_view name;
  std::string_view platform_name;
};

constexpr Implementation implementations[] = {
    {"cp", "cpython", "CPython"},
    {"pp", "pypy", "PyPy"},
    {"graalpy", "graalpy", "GraalVM"},
};

}  // namespace

MarkerEnvironment target_environment(const TagTarget& target, std::string_view python_full_version) {
  const OsRow* found = nullptr;
  for (const OsRow& row : os_rows) {
    if (target.platform.starts_with(row.tag_start)) {
      found = &row;
      break;
    }
  }
  if (!found) {
    throw Error(ErrorCode::bad_input,
                "platform " + quoted(target.platform) + " is of no known operating system",
                "name it by its best wheel tag: manylinux_2_28_x86_64, macosx_14_0_arm64, win_amd64");
  }
  const auto parts = split(target.python, '.');
  const std::string minor =
      parts.size() < 2 ? target.python : std::string(parts[0]) + "." + std::string(parts[1]);
  std::string full(python_full_version);
  if (full.empty()) full = parts.size() > 2 ? target.python : minor + ".0";

  Implementation implementation{target.implementation, target.implementation, target.implementation};
  for (const Implementation& row : implementations) {
    if (row.tag == target.implementation || row.name == target.implementation) implementation = row;
  }
  MarkerEnvironment environment;
  environment.variables = {
      {"os_name", std::string(found->names.os_name)},
      {"sys_platform", std::string(found->names.sys_platform)},
      {"platform_system", std::string(found->names.platform_system)},
      {"platform_machine", machine_of(*found, target.platform)},
      {"platform_release", ""},
      {"platform_version", ""},
      {"python_version", minor},
      {"python_full_version", full},
      {"implementation_name", std::string(implementation.name)},
      {"platform_python_implementation", std::string(implementation.platform_name)},
      {"implementation_version", full},
  };
  return environment;
}

}  // namespace axle
