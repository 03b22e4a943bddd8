// Interpreters of other targets, made up from their version and platform tag.
// spec: "Platform compatibility tags" of the packaging guide.

#include <optional>
#include <string>

#include "axle/base/error.h"
#include "axle/env/interpreter.h"
#include "base/text.h"
#include "env/scheme.h"

namespace axle {
namespace {

struct PlatformParts {
  Os os = Os::other;
  Libc libc = Libc::none;
  std::string arch;
};

// Takes "2_28_x86_64" apart: two numbers and the rest. "" when it has not that shape.
std::string after_two_numbers(std::string_view text) {
  for (int part = 0; part < 2; ++part) {
    std::size_t digits = 0;
    while (digits < text.size() && is_digit(text[digits])) ++digits;
    if (digits == 0 || digits > 4 || digits >= text.size() || text[digits] != '_') return {};
    text.remove_prefix(digits + 1);
  }
  return std::string(text);
}

std::optional<PlatformParts> parse_platform(const std::string& tag) {
  for (char c : tag) {
    if (!is_alnum(c) && c != '_') return std::nullopt;
  }
  const auto rest_of = [&tag](std::string_view prefix) -> std::string {
    return tag.starts_with(prefix) ? tag.substr(prefix.size()) : std::string();
  };
  if (tag == "win32") return PlatformParts{Os::windows, Libc::none, "x86"};
  if (tag == "win_amd64" || tag == "win_arm64") {
    return PlatformParts{Os::windows, Libc::none, tag.substr(4)};
  }
  if (const std::string arch = after_two_numbers(rest_of("manylinux_")); !arch.empty()) {
    return PlatformParts{Os::linux, Libc::glibc, arch};
  }
  for (const char* legacy : {"manylinux2014_", "manylinux2010_", "manylinux1_"}) {
    if (const std::string arch = rest_of(legacy); !arch.empty()) {
      return PlatformParts{Os::linux, Libc::glibc, arch};
    }
  }
  if (const std::string arch = after_two_numbers(rest_of("musllinux_")); !arch.empty()) {
    return PlatformParts{Os::linux, Libc::musl, arch};
  }
  if (const std::string arch = rest_of("linux_"); !arch.empty()) {
    return PlatformParts{Os::linux, Libc::none, arch};
  }
  if (const std::string arch = after_two_numbers(rest_of("macosx_")); !arch.empty()) {
    return PlatformParts{Os::macos, Libc::none, arch};
  }
  if (tag.starts_with("ios_") || tag.starts_with("android_") || tag.starts_with("pyodide_") ||
      tag.starts_with("emscripten_") || tag.starts_with("pyemscripten_")) {
    const std::size_t last = tag.rfind('_');
    std::string arch = tag.substr(last + 1);
    if (tag.ends_with("x86_64")) arch = "x86_64";
    return PlatformParts{Os::other, Libc::none, arch};
  }
  return std::nullopt;
}

struct VersionParts {
  std::string full;
  bool free_threaded = false;
};

std::optional<VersionParts> parse_python_version(std::string_view text) {
  VersionParts parts;
  if (text.ends_with('t')) {
    parts.free_threaded = true;
    text.remove_suffix(1);
  }
  const std::vector<std::string_view> pieces = split(text, '.');
  if (pieces.size() < 2 || pieces.size() > 3) return std::nullopt;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    std::string_view piece = pieces[i];
    std::size_t digits = 0;
    while (digits < piece.size() && is_digit(piece[digits])) ++digits;
    if (digits == 0 || digits > 4 || (digits > 1 && piece[0] == '0')) return std::nullopt;
    // The last of three may be a pre-release: "0rc1".
    std::string_view rest = piece.substr(digits);
    if (!rest.empty()) {
      if (i != 2) return std::nullopt;
      if (rest.starts_with("rc")) {
        rest.remove_prefix(2);
      } else if (rest[0] == 'a' || rest[0] == 'b') {
        rest.remove_prefix(1);
      } else {
        return std::nullopt;
      }
      if (rest.empty() || rest.size() > 4) return std::nullopt;
      for (char c : rest) {
        if (!is_digit(c)) return std::nullopt;
      }
    }
  }
  if (pieces[0] != "3") return std::nullopt;
  parts.full = text;
  if (pieces.size() == 2) parts.full += ".0";
  return parts;
}

std::string multiarch(const PlatformParts& platform) {
  const std::string libc = platform.libc == Libc::musl ? "musl" : "gnu";
  if (platform.arch == "i686") return "i386-linux-" + libc;
  if (platform.arch == "armv7l" || platform.arch == "armv6l") return "arm-linux-" + libc + "eabihf";
  if (platform.arch == "ppc64le") return "powerpc64le-linux-" + libc;
  if (platform.arch == "ppc64") return "powerpc64-linux-" + libc;
  if (platform.arch == "loongarch64") return "loongarch64-linux-" + libc;
  return platform.arch + "-linux-" + libc;
}

std::string extension_suffix(const Interpreter& interpreter, const PlatformParts& platform,
                             const std::string& digits) {
  const std::string thread = interpreter.free_threaded ? "t" : "";
  switch (interpreter.os) {
    case Os::windows:
      return ".cp" + digits + thread + "-" + interpreter.platform + ".pyd";
    case Os::macos:
      return ".cpython-" + digits + thread + "-darwin.so";
    case Os::linux:
      return ".cpython-" + digits + thread + "-" + multiarch(platform) + ".so";
    case Os::other:
      break;
  }
  return {};
}

std::string directory_of(std::string_view path, char separator) {
  const std::size_t slash = path.rfind(separator);
  if (slash == std::string_view::npos) return {};
  return std::string(path.substr(0, slash == 0 ? 1 : slash));
}

bool is_absolute_on(Os os, std::string_view path) {
  if (os != Os::windows) return path.starts_with('/');
  const bool drive = path.size() > 2 && is_alpha(path[0]) && path[1] == ':' && path[2] == '\\';
  return drive || path.starts_with("\\\\");
}

}  // namespace

Interpreter foreign_interpreter(const ForeignTarget& target) {
  const std::optional<VersionParts> version = parse_python_version(target.version);
  if (!version) {
    throw Error(ErrorCode::usage, quoted(target.version) + " is no Python version",
                "give it as 3.12, 3.12.4 or 3.13t");
  }
  const std::optional<PlatformParts> platform = parse_platform(target.platform);
  if (!platform) {
    throw Error(
        ErrorCode::usage, quoted(target.platform) + " is no platform that axle knows",
        "give a platform tag such as manylinux_2_28_x86_64, musllinux_1_2_aarch64, macosx_14_0_arm64 or "
        "win_amd64");
  }

  Interpreter made;
  made.foreign = true;
  made.version = version->full;
  made.implementation = "cpython";
  made.implementation_version = version->full;
  made.free_threaded = version->free_threaded;
  made.abi_flags = version->free_threaded ? "t" : "";
  made.os = platform->os;
  made.libc = platform->libc;
  made.arch = platform->arch;
  made.platform = target.platform;
  const PythonMinor minor = python_minor(made.version);
  const std::string digits = std::to_string(minor.major) + std::to_string(minor.minor);
  made.abi = "cp" + digits + made.abi_flags;
  made.cache_tag = "cpython-" + digits;  // also of free-threaded builds
  made.ext_suffix = extension_suffix(made, *platform, digits);

  const bool windows = made.os == Os::windows;
  const char separator = windows ? '\\' : '/';
  made.executable = target.executable;
  if (made.executable.empty()) {
    // Beside a free-threaded Windows Python, python.exe is the other one, when both are installed.
    const std::string name = version->free_threaded ? "python" + short_version(made) + "t.exe" : "python.exe";
    made.executable = windows ? "C:\\Python" + digits + "\\" + name
                              : "/usr/local/bin/python" + short_version(made) + made.abi_flags;
  }
  if (!is_absolute_on(made.os, made.executable) || !is_utf8(made.executable)) {
    throw Error(ErrorCode::usage, quoted(made.executable) + " is no absolute path on the target",
                "give the interpreter's whole path with --target-python");
  }
  made.base_executable = made.executable;
  const std::string directory = directory_of(made.executable, separator);
  made.base_prefix = windows ? directory : directory_of(directory, separator);
  if (made.base_prefix.empty()) made.base_prefix = "/";
  made.platlibdir = windows ? "Lib" : "lib";
  fill_scheme(made);
  made.found = "made from the Python version and platform given";
  return made;
}

}  // namespace axle
