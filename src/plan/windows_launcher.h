#pragma once
// Windows launchers: a program for Windows (launchers/windows.c), the interpreter's path, and a zip with what
// it shall run; docs/launchers.md. Pure.

#include <string>
#include <string_view>
#include <vector>

#include "axle/env/layout.h"

namespace axle {

enum class WindowsKind { console, gui };

// The program for `arch` ("amd64", "x86"): without more behind it, it is an environment's python.exe or
// pythonw.exe. Throws Error(unsupported) where there is none.
std::string_view windows_stub(std::string_view arch, WindowsKind kind);

// STUB ++ "#!" interpreter flags "\n" (the path in double quotes when it has a space) ++ a stored zip with
// __main__.py. The same bytes for the same input. Throws Error(usage) for a path that no such line can hold.
struct WindowsLauncher {
  std::string_view stub;         // a PE program that reads the rest; bytes
  std::string_view interpreter;  // "C:\\env\\Scripts\\python.exe"
  std::string_view main_py;      // content of __main__.py
  std::vector<std::string> flags = {};
};
std::string render_windows_launcher(const WindowsLauncher& launcher);

// How launchers name the interpreter of an environment that is laid at `layout`: its absolute path, or, where
// the root is no path of Windows, "<launcher_dir>\\python.exe", which is the launcher's own directory.
std::string windows_environment_python(const Layout& layout);
// "python3.13t.exe" with the w that stands for windows: "pythonw3.13t.exe".
std::string with_w(std::string_view interpreter);

}  // namespace axle
