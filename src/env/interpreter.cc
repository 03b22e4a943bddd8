// What follows from an interpreter's facts alone.

#include "axle/env/interpreter.h"

#include <array>
#include <charconv>
#include <utility>

#include "axle/pep/marker.h"
#include "axle/pep/tag.h"
#include "base/text.h"

namespace axle {
namespace {

constexpr std::array<std::pair<Os, std::string_view>, 4> os_names{
    {{Os::linux, "linux"}, {Os::macos, "macos"}, {Os::windows, "windows"}, {Os::other, "other"}}};
constexpr std::array<std::pair<Libc, std::string_view>, 3> libc_names{
    {{Libc::none, "none"}, {Libc::glibc, "glibc"}, {Libc::musl, "musl"}}};

std::string platform_machine(const Interpreter& interpreter) {
  // Windows reports machines in capitals: spec: platform.machine() of CPython.
  if (interpreter.os == Os::windows) {
    if (interpreter.arch == "amd64") return "AMD64";
    if (interpreter.arch == "arm64") return "ARM64";
  }
  return interpreter.arch;
}

struct SystemNames {
  std::string os_name;
  std::string sys_platform;
  std::string platform_system;
};

SystemNames system_names(const Interpreter& interpreter) {
  switch (interpreter.os) {
    case Os::linux:
      return {"posix", "linux", "Linux"};
    case Os::macos:
      return {"posix", "darwin", "Darwin"};
    case Os::windows:
      return {"nt", "win32", "Windows"};
    case Os::other:
      break;
  }
  // spec: PEP 730 (iOS), PEP 738 (Android), PEP 776 (Emscripten)
  if (interpreter.platform.starts_with("ios_")) return {"posix", "ios", "iOS"};
  if (interpreter.platform.starts_with("android_")) return {"posix", "android", "Android"};
  if (interpreter.platform.find("emscripten") != std::string::npos ||
      interpreter.platform.starts_with("pyodide_")) {
    return {"posix", "emscripten", "Emscripten"};
  }
  return {"posix", interpreter.platform, interpreter.platform};
}

std::string implementation_title(const std::string& implementation) {
  if (implementation == "cpython") return "CPython";
  if (implementation == "pypy") return "PyPy";
  if (implementation == "graalpy") return "GraalVM";
  return implementation;
}

}  // namespace

std::string_view to_string(Os os) noexcept {
  for (const auto& [value, name] : os_names) {
    if (value == os) return name;
  }
  return "other";
}

std::string_view to_string(Libc libc) noexcept {
  for (const auto& [value, name] : libc_names) {
    if (value == libc) return name;
  }
  return "none";
}

std::optional<Os> parse_os(std::string_view text) noexcept {
  for (const auto& [value, name] : os_names) {
    if (name == text) return value;
  }
  return std::nullopt;
}

std::optional<Libc> parse_libc(std::string_view text) noexcept {
  for (const auto& [value, name] : libc_names) {
    if (name == text) return value;
  }
  return std::nullopt;
}

PythonMinor python_minor(std::string_view version) noexcept {
  PythonMinor result;
  const char* const end = version.data() + version.size();
  const auto major = std::from_chars(version.data(), end, result.major);
  if (major.ec != std::errc{} || major.ptr == end || *major.ptr != '.') return {};
  const auto minor = std::from_chars(major.ptr + 1, end, result.minor);
  if (minor.ec != std::errc{} || result.major < 0 || result.minor < 0) return {};
  return result;
}

std::string short_version(const Interpreter& interpreter) {
  const PythonMinor minor = python_minor(interpreter.version);
  return std::to_string(minor.major) + "." + std::to_string(minor.minor);
}

std::string lib_name(const Interpreter& interpreter) {
  // spec: sysconfig, '{implementation_lower}{py_version_short}{abi_thread}'
  const bool is_pypy = interpreter.implementation == "pypy";
  return (is_pypy ? "pypy" : "python") + short_version(interpreter) + (interpreter.free_threaded ? "t" : "");
}

TagTarget tag_target(const Interpreter& interpreter) {
  TagTarget target;
  target.python = interpreter.version;
  if (const PythonMinor minor = python_minor(interpreter.version); minor.major > 0) {
    target.python = short_version(interpreter);
  }
  target.platform = interpreter.platform;
  target.free_threaded = interpreter.free_threaded;
  if (interpreter.implementation == "cpython") {
    // Its own ABI follows from the version; a debug build also loads what release builds do (since 3.8).
    target.implementation = "cp";
  } else {
    target.implementation = interpreter.implementation == "pypy" ? "pp" : interpreter.implementation;
    if (!interpreter.abi.empty()) target.abi = interpreter.abi;
  }
  return target;
}

MarkerEnvironment marker_environment(const Interpreter& interpreter) {
  const SystemNames names = system_names(interpreter);
  MarkerEnvironment environment;
  environment.variables = {
      {"os_name", names.os_name},
      {"sys_platform", names.sys_platform},
      {"platform_machine", platform_machine(interpreter)},
      {"platform_python_implementation", implementation_title(interpreter.implementation)},
      {"platform_release", ""},
      {"platform_system", names.platform_system},
      {"platform_version", ""},
      {"python_version", short_version(interpreter)},
      {"python_full_version", interpreter.version},
      {"implementation_name", interpreter.implementation},
      {"implementation_version", interpreter.implementation_version},
  };
  return environment;
}

}  // namespace axle
