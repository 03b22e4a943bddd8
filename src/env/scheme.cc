#include "env/scheme.h"

namespace axle {

void fill_scheme(Interpreter& interpreter) {
  const std::string& base = interpreter.base_prefix;
  const std::string name = lib_name(interpreter);
  if (interpreter.os == Os::windows) {
    if (interpreter.stdlib.empty()) interpreter.stdlib = base + "\\Lib";
    interpreter.system = {base + "\\Lib\\site-packages", base + "\\Lib\\site-packages", base + "\\Scripts",
                          base, base + "\\Include"};
    return;
  }
  const std::string root = base == "/" ? "" : base;
  if (interpreter.stdlib.empty()) interpreter.stdlib = root + "/" + interpreter.platlibdir + "/" + name;
  const bool is_pypy = interpreter.implementation == "pypy";
  const std::string include =
      (is_pypy ? "pypy" : "python") + short_version(interpreter) + interpreter.abi_flags;
  interpreter.system = {root + "/lib/" + name + "/site-packages",
                        root + "/" + interpreter.platlibdir + "/" + name + "/site-packages", root + "/bin",
                        base, root + "/include/" + include};
}

DistroScheme distro_scheme_of(std::string_view sysconfig_source) noexcept {
  if (sysconfig_source.find("'posix_local'") != std::string_view::npos) return DistroScheme::debian;
  if (sysconfig_source.find("RPM_BUILD_ROOT") != std::string_view::npos) return DistroScheme::fedora;
  return DistroScheme::none;
}

void apply_distro_scheme(Interpreter& interpreter, DistroScheme distro) {
  if (distro == DistroScheme::none || interpreter.base_prefix != "/usr") return;
  const std::string name = lib_name(interpreter);
  const std::string packages = distro == DistroScheme::debian ? "/dist-packages" : "/site-packages";
  const std::string platlibdir = distro == DistroScheme::debian ? "lib" : interpreter.platlibdir;
  // spec: Debian's sysconfig scheme posix_local; Fedora's base /usr/local outside rpmbuild.
  interpreter.system.purelib = "/usr/local/lib/" + name + packages;
  interpreter.system.platlib = "/usr/local/" + platlibdir + "/" + name + packages;
  interpreter.system.scripts = "/usr/local/bin";
  interpreter.system.data = "/usr/local";
  interpreter.system.headers =
      "/usr/local/include/python" + short_version(interpreter) + interpreter.abi_flags;
}

}  // namespace axle
