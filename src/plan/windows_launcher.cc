#include "plan/windows_launcher.h"

#include "axle/base/error.h"
#include "base/text.h"
#include "plan/launcher_scripts.h"
#include "plan/launcher_stubs.h"
#include "plan/launcher_zip.h"

namespace axle {

std::string_view windows_stub(std::string_view arch, WindowsKind kind) {
  const bool gui = kind == WindowsKind::gui;
  std::string_view stub;
  if (arch == "amd64") stub = launcher_stub(gui ? Stub::windows_amd64_gui : Stub::windows_amd64_console);
  if (arch == "x86") stub = launcher_stub(gui ? Stub::windows_x86_gui : Stub::windows_x86_console);
  if (!stub.empty()) return stub;
  if (arch != "amd64" && arch != "x86") {
    throw Error(ErrorCode::unsupported, "axle has no launcher for Windows on " + std::string(arch),
                "use --platform win_amd64 or win32");
  }
  throw Error(
      ErrorCode::unsupported, "this build of axle holds no launcher for Windows on " + std::string(arch),
      "build axle with gcc-mingw-w64-" + std::string(arch == "amd64" ? "x86-64" : "i686") + " installed");
}

std::string render_windows_launcher(const WindowsLauncher& launcher) {
  const ScriptInterpreter interpreter{std::string(launcher.interpreter), false, Os::windows};
  std::string flags;
  for (const std::string& flag : launcher.flags) flags += " " + flag;
  return std::string(launcher.stub) + render_shebang(interpreter, flags) + render_main_zip(launcher.main_py);
}

std::string windows_environment_python(const Layout& layout) {
  const bool drive = layout.root.size() > 2 && is_alpha(layout.root[0]) && layout.root[1] == ':';
  if (!drive && !layout.root.starts_with("\\\\")) return "<launcher_dir>\\python.exe";
  return absolute_path(layout, layout.scripts) + "\\python.exe";
}

std::string with_w(std::string_view interpreter) {
  std::string text(interpreter);
  const std::size_t name = text.find_last_of("\\/") + 1;  // npos + 1 is 0
  if (!ascii_lower(text.substr(name)).starts_with("python") || text.substr(name + 6).starts_with('w'))
    return text;
  return text.insert(name + 6, "w");
}

}  // namespace axle
