#pragma once
// The launcher programs of launchers/, which the build compiles and axle holds. The table is generated
// (launchers/embed.cmake). Pure.

#include <string_view>

namespace axle {

enum class Stub {
  linux_x86_64,
  linux_aarch64,
  windows_amd64_console,
  windows_amd64_gui,
  windows_x86_console,
  windows_x86_gui
};

// The program's bytes; "" when the build had no compiler for it.
std::string_view launcher_stub(Stub stub) noexcept;

}  // namespace axle
