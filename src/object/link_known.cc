#include "object/link_known.h"

#include <algorithm>

#include "base/text.h"

namespace axle::object {

namespace {

using Kind = Expectation::Kind;

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

Expectation from_table(std::string_view name) {
  const auto known = find_system_library(name);
  if (!known) return {};
  Expectation result;
  switch (known->kind) {
    case SystemLibrary::Kind::base:
      result.kind = Kind::base;
      break;
    case SystemLibrary::Kind::common:
      result.kind = Kind::common;
      break;
    case SystemLibrary::Kind::driver:
      result.kind = Kind::driver;
      break;
  }
  if (!known->debian.empty()) result.package = "Debian " + std::string(known->debian);
  if (!known->rpm.empty()) {
    if (!result.package.empty()) result.package += ", ";
    result.package += "RPM " + std::string(known->rpm);
  }
  return result;
}

bool is_musl_libc(std::string_view name) {
  return name.starts_with("libc.musl-") || name.starts_with("ld-musl-") || name == "libc.so";
}

Expectation on_glibc(std::string_view name) {
  if (is_musl_libc(name)) return {Kind::wrong_libc, {}};
  return from_table(name);
}

Expectation on_musl(std::string_view name) {
  if (is_musl_libc(name)) return {Kind::base, {}};
  if (name == "libc.so.6" || name.starts_with("ld-linux") || name.starts_with("ld64.so"))
    return {Kind::wrong_libc, {}};
  // musl takes itself for these, whatever their version (ldso/dynlink.c, load_library).
  for (const std::string_view own : {"libpthread.", "librt.", "libm.", "libdl.", "libutil.", "libxnet."}) {
    if (name.starts_with(own)) return {Kind::base, {}};
  }
  if (name == "libgcc_s.so.1") return {Kind::common, "Alpine libgcc"};
  if (name == "libstdc++.so.6") return {Kind::common, "Alpine libstdc++"};
  Expectation result = from_table(name);
  result.package.clear();  // the table has the packages of other systems
  return result;
}

Expectation on_macos(std::string_view name) {
  if (name.starts_with("/usr/lib/") || name.starts_with("/System/Library/")) return {Kind::base, {}};
  if (name.find("Python.framework/") != std::string_view::npos ||
      name.find("libpython") != std::string_view::npos || name.starts_with("@executable_path/")) {
    return {Kind::interpreter, {}};
  }
  return {};
}

Expectation on_windows(std::string_view name) {
  const std::string lower = ascii_lower(name);
  if (lower.starts_with("api-ms-win-") || lower.starts_with("ext-ms-")) return {Kind::base, {}};
  if (lower.starts_with("python3") || lower.starts_with("vcruntime140")) return {Kind::interpreter, {}};
  if (is_one_of(lower, {"nvcuda.dll", "nvml.dll", "nvcuvid.dll", "nvencodeapi64.dll", "opencl.dll",
                        "ze_loader.dll"})) {
    return {Kind::driver, {}};
  }
  if (lower.starts_with("msvcp140") || lower.starts_with("concrt140") || lower.starts_with("vcomp140") ||
      lower.starts_with("mfc140") || lower.starts_with("vcamp140")) {
    return {Kind::common, "Microsoft Visual C++ Redistributable"};
  }
  if (is_one_of(lower, {"advapi32.dll",
                        "avicap32.dll",
                        "avifil32.dll",
                        "avrt.dll",
                        "bcrypt.dll",
                        "bcryptprimitives.dll",
                        "cfgmgr32.dll",
                        "combase.dll",
                        "comctl32.dll",
                        "comdlg32.dll",
                        "crypt32.dll",
                        "cryptbase.dll",
                        "d2d1.dll",
                        "d3d10.dll",
                        "d3d11.dll",
                        "d3d12.dll",
                        "d3d9.dll",
                        "d3dcompiler_47.dll",
                        "dbghelp.dll",
                        "dcomp.dll",
                        "dnsapi.dll",
                        "dsound.dll",
                        "dwmapi.dll",
                        "dwrite.dll",
                        "dxgi.dll",
                        "dxva2.dll",
                        "evr.dll",
                        "fwpuclnt.dll",
                        "gdi32.dll",
                        "gdiplus.dll",
                        "glu32.dll",
                        "hid.dll",
                        "imagehlp.dll",
                        "imm32.dll",
                        "iphlpapi.dll",
                        "kernel32.dll",
                        "kernelbase.dll",
                        "ksuser.dll",
                        "mf.dll",
                        "mfplat.dll",
                        "mfreadwrite.dll",
                        "mpr.dll",
                        "msacm32.dll",
                        "msi.dll",
                        "msimg32.dll",
                        "msvcrt.dll",
                        "mswsock.dll",
                        "ncrypt.dll",
                        "netapi32.dll",
                        "normaliz.dll",
                        "ntdll.dll",
                        "ntdsapi.dll",
                        "odbc32.dll",
                        "odbccp32.dll",
                        "ole32.dll",
                        "oleacc.dll",
                        "oleaut32.dll",
                        "opengl32.dll",
                        "pdh.dll",
                        "powrprof.dll",
                        "propsys.dll",
                        "psapi.dll",
                        "rpcrt4.dll",
                        "runtimeobject.dll",
                        "sechost.dll",
                        "secur32.dll",
                        "setupapi.dll",
                        "shcore.dll",
                        "shell32.dll",
                        "shlwapi.dll",
                        "strmiids.dll",
                        "synchronization.dll",
                        "ucrtbase.dll",
                        "uiautomationcore.dll",
                        "urlmon.dll",
                        "user32.dll",
                        "userenv.dll",
                        "usp10.dll",
                        "uxtheme.dll",
                        "version.dll",
                        "vfw32.dll",
                        "wevtapi.dll",
                        "windowscodecs.dll",
                        "winhttp.dll",
                        "wininet.dll",
                        "winmm.dll",
                        "winspool.drv",
                        "winusb.dll",
                        "wintrust.dll",
                        "wldap32.dll",
                        "ws2_32.dll",
                        "wsock32.dll",
                        "wtsapi32.dll",
                        "xinput1_4.dll",
                        "xinput9_1_0.dll"})) {
    return {Kind::base, {}};
  }
  return {};
}

}  // namespace

Expectation find_expectation(std::string_view name, const LinkPolicy& policy) {
  if (policy.loader == LinkPolicy::Loader::dyld) return on_macos(name);
  if (policy.loader == LinkPolicy::Loader::windows) return on_windows(name);
  if (name.starts_with("libpython")) return {Kind::interpreter, {}};
  return policy.loader == LinkPolicy::Loader::musl ? on_musl(name) : on_glibc(name);
}

std::optional<SuspiciousPath::Kind> find_suspicion(std::string_view entry) {
  if (entry.empty()) return SuspiciousPath::Kind::empty;
  if (entry.starts_with('$')) return std::nullopt;
  if (!entry.starts_with('/')) return SuspiciousPath::Kind::relative;
  const auto is_below = [&](std::string_view dir) {
    return entry.starts_with(dir) && (entry.size() == dir.size() || entry[dir.size()] == '/');
  };
  for (const std::string_view dir : {"/tmp", "/var/tmp", "/dev/shm"}) {
    if (is_below(dir)) return SuspiciousPath::Kind::world_writable;
  }
  for (const std::string_view dir :
       {"/home", "/root", "/build", "/builddir", "/builds", "/io", "/workspace", "/Users", "/private",
        "/project", "/opt/_internal", "/github", "/croot"}) {
    if (is_below(dir)) return SuspiciousPath::Kind::build_machine;
  }
  return SuspiciousPath::Kind::absolute;
}

int compare_dotted(std::string_view a, std::string_view b) {
  const auto next = [](std::string_view& text) {
    std::uint64_t number = 0;
    std::size_t used = 0;
    while (used < text.size() && is_digit(text[used])) {
      if (number < 100000000) number = number * 10 + static_cast<std::uint64_t>(text[used] - '0');
      ++used;
    }
    text.remove_prefix(used);
    if (!text.empty()) text.remove_prefix(1);
    return number;
  };
  while (!a.empty() || !b.empty()) {
    const std::uint64_t left = next(a), right = next(b);
    if (left != right) return left < right ? -1 : 1;
  }
  return 0;
}

}  // namespace axle::object
