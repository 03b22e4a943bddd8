// The platform tags that a platform accepts. spec: "Platform compatibility tags"; PEP 600, 656, 730, 738.

#include <axle/base/error.h>
#include <axle/pep/tag.h>

#include <array>
#include <span>

#include "base/text.h"
#include "pep/scan.h"

namespace axle {
namespace {

// No real system comes near; it bounds the lists.
constexpr int max_number = 255;

// The last minor release of glibc 2, if there ever is a glibc 3: nobody knows, so the highest that may be.
constexpr int last_glibc2_minor = 50;

struct LegacyManylinux {
  int minor;  // of glibc 2
  std::string_view name;
};
constexpr std::array<LegacyManylinux, 3> legacy_manylinux = {
    {{17, "manylinux2014"}, {12, "manylinux2010"}, {5, "manylinux1"}}};

struct AppleVersion {
  int major = 0;
  int minor = 0;
};

// Reads "14_0_arm64" after "macosx_" and the like.
class PlatformReader {
 public:
  PlatformReader(std::string_view whole, std::size_t prefix) : whole_(whole), rest_(whole.substr(prefix)) {}

  // "14_"
  int number() {
    const std::string_view digits = digits_at_front(rest_);
    if (digits.empty() || digits.size() > 3 || !rest_.substr(digits.size()).starts_with('_')) fail();
    int value = 0;
    for (const char c : digits) value = value * 10 + (c - '0');
    if (value > max_number) fail();
    rest_.remove_prefix(digits.size() + 1);
    return value;
  }
  std::string arch() {
    if (rest_.empty()) fail();
    return std::string(rest_);
  }

 private:
  [[noreturn]] void fail() const {
    throw Error(
        ErrorCode::bad_input, quoted(whole_) + " is not a platform tag",
        "platforms look like manylinux_2_28_x86_64, musllinux_1_2_aarch64, macosx_14_0_arm64, win_amd64");
  }

  std::string_view whole_;
  std::string_view rest_;
};

std::string numbered(std::string_view name, AppleVersion version, std::string_view arch) {
  std::string out(name);
  ((((out += '_') += std::to_string(version.major)) += '_') += std::to_string(version.minor)) += '_';
  return out += arch;
}

// The architectures whose code runs on `arch`, itself first.
std::vector<std::string> linux_archs(const std::string& arch) {
  if (arch == "armv8l") return {"armv8l", "armv7l"};  // 32-bit programs on a 64-bit kernel
  return {arch};
}

void add_linux(const std::vector<std::string>& archs, std::vector<std::string>& out) {
  for (const std::string& arch : archs) out.push_back("linux_" + arch);
}

std::vector<std::string> manylinux_platforms(int major, int minor, const std::string& arch) {
  const std::vector<std::string> archs = linux_archs(arch);
  std::vector<std::string> out;
  add_linux(archs, out);
  // spec: PEP 600: no glibc older than CentOS 7's, but on x86 that of CentOS 5.
  const int oldest_glibc2 = arch == "x86_64" || arch == "i686" ? 5 : 17;
  for (const std::string& one : archs) {
    for (int m = major; m == major || m >= 2; --m) {
      const int newest = m == major ? minor : last_glibc2_minor;
      for (int n = newest; n >= (m == 2 ? oldest_glibc2 : 0); --n) {
        out.push_back(numbered("manylinux", {m, n}, one));
        for (const LegacyManylinux& legacy : legacy_manylinux) {
          if (m == 2 && n == legacy.minor) out.push_back(std::string(legacy.name) + "_" + one);
        }
      }
    }
  }
  return out;
}

std::vector<std::string> musllinux_platforms(int major, int minor, const std::string& arch) {
  const std::vector<std::string> archs = linux_archs(arch);
  std::vector<std::string> out;
  add_linux(archs, out);
  for (const std::string& one : archs) {
    for (int n = minor; n >= 0; --n) out.push_back(numbered("musllinux", {major, n}, one));
  }
  return out;
}

// The names under which binaries for `arch` go, by themselves or within a fat binary.
std::vector<std::string_view> mac_formats(AppleVersion version, std::string_view arch) {
  const auto is_ten = version.major == 10;
  std::vector<std::string_view> formats = {arch};
  const auto add = [&](std::initializer_list<std::string_view> more) {
    formats.insert(formats.end(), more.begin(), more.end());
  };
  if (arch == "x86_64") {
    if (is_ten && version.minor < 4) return {};
    add({"intel", "fat64", "fat3"});
  } else if (arch == "i386") {
    if (is_ten && version.minor < 4) return {};
    add({"intel", "fat3", "fat"});
  } else if (arch == "ppc64") {
    if (!is_ten || version.minor > 5 || version.minor < 4) return {};
    add({"fat64"});
  } else if (arch == "ppc") {
    if (!is_ten || version.minor > 6) return {};
    add({"fat3", "fat"});
  }
  if (arch == "arm64" || arch == "x86_64") add({"universal2"});
  if (arch == "x86_64" || arch == "i386" || arch == "ppc64" || arch == "ppc" || arch == "intel")
    add({"universal"});
  return formats;
}

std::vector<std::string> macos_platforms(AppleVersion version, const std::string& arch) {
  std::vector<std::string> out;
  const auto add_all = [&](AppleVersion one) {
    for (const std::string_view format : mac_formats(one, arch))
      out.push_back(numbered("macosx", one, format));
  };
  if (version.major == 10) {
    for (int minor = version.minor; minor >= 0; --minor) add_all({10, minor});
  }
  // From macOS 11 on, the major number counts the years.
  for (int major = version.major; major >= 11; --major) add_all({major, 0});
  if (version.major >= 11) {
    for (int minor = 16; minor >= 4; --minor) {
      // Nothing for arm64 alone is older than 11, but the x86_64 half of a universal2 binary may be.
      if (arch == "x86_64") {
        add_all({10, minor});
      } else {
        out.push_back(numbered("macosx", {10, minor}, "universal2"));
      }
    }
  }
  return out;
}

std::vector<std::string> ios_platforms(AppleVersion version, const std::string& multiarch) {
  std::vector<std::string> out;
  if (version.major < 12) return out;
  for (int minor = version.minor; minor >= 0; --minor) {
    out.push_back(numbered("ios", {version.major, minor}, multiarch));
  }
  for (int major = version.major - 1; major >= 12; --major) {
    for (int minor = 9; minor >= 0; --minor) out.push_back(numbered("ios", {major, minor}, multiarch));
  }
  return out;
}

std::vector<std::string> android_platforms(int api_level, const std::string& abi) {
  std::vector<std::string> out;
  for (int level = api_level; level >= 16; --level)
    out.push_back("android_" + std::to_string(level) + "_" + abi);
  return out;
}

}  // namespace

std::vector<std::string> compatible_platforms(std::string_view platform) {
  std::string name = ascii_lower(platform);
  for (char& c : name) {
    if (c == '.' || c == '-' || c == ' ') c = '_';
  }
  const auto reader = [&](std::string_view prefix) { return PlatformReader(name, prefix.size()); };

  if (name.starts_with("manylinux_")) {
    PlatformReader in = reader("manylinux_");
    const int major = in.number();
    const int minor = in.number();
    return manylinux_platforms(major, minor, in.arch());
  }
  for (const LegacyManylinux& legacy : legacy_manylinux) {
    const std::string prefix = std::string(legacy.name) + "_";
    if (name.starts_with(prefix)) return manylinux_platforms(2, legacy.minor, reader(prefix).arch());
  }
  if (name.starts_with("musllinux_")) {
    PlatformReader in = reader("musllinux_");
    const int major = in.number();
    const int minor = in.number();
    return musllinux_platforms(major, minor, in.arch());
  }
  if (name.starts_with("linux_")) {
    std::vector<std::string> out;
    add_linux(linux_archs(reader("linux_").arch()), out);
    return out;
  }
  if (name.starts_with("macosx_") || name.starts_with("ios_")) {
    const bool is_mac = name.starts_with("macosx_");
    PlatformReader in = reader(is_mac ? "macosx_" : "ios_");
    AppleVersion version;
    version.major = in.number();
    version.minor = in.number();
    return is_mac ? macos_platforms(version, in.arch()) : ios_platforms(version, in.arch());
  }
  if (name.starts_with("android_")) {
    PlatformReader in = reader("android_");
    const int level = in.number();
    return android_platforms(level, in.arch());
  }
  if (name.empty()) throw Error(ErrorCode::bad_input, "the platform tag is empty");
  return {name};
}

}  // namespace axle
