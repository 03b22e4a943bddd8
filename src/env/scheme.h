#pragma once
// The install schemes of CPython's sysconfig, from an interpreter's other facts.

#include "axle/env/interpreter.h"

namespace axle {

// Fills stdlib (unless known) and system from base_prefix, platlibdir, version and flags: scheme
// posix_prefix, or nt on Windows.
void fill_scheme(Interpreter& interpreter);

// How a Linux distribution bends the default scheme of its own Python.
enum class DistroScheme { none, debian, fedora };
// Told by the source of the installation's sysconfig.
DistroScheme distro_scheme_of(std::string_view sysconfig_source) noexcept;
// Makes `system` what that distribution's pip would use; only for base_prefix /usr.
void apply_distro_scheme(Interpreter& interpreter, DistroScheme distro);

}  // namespace axle
