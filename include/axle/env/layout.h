#pragma once
// Where the schemes of an installation lie. spec: PyPA "Recording installed projects", sysconfig schemes
// venv, nt_venv, posix_prefix; pip's --target.

#include <optional>
#include <string>
#include <string_view>

#include "axle/base/rel_path.h"
#include "axle/env/interpreter.h"

namespace axle {

enum class LayoutKind { venv, target, prefix, system };
std::string_view to_string(LayoutKind kind) noexcept;

// One root with everything below it; nullopt is the root itself. A value; pure.
struct Layout {
  LayoutKind kind = LayoutKind::venv;
  Os os = Os::linux;
  std::string root;  // absolute path on the target, as given; no --root (DESTDIR) in it
  std::optional<RelPath> purelib;
  std::optional<RelPath> platlib;  // the same as purelib but where platlibdir differs (Fedora from 3.15 on)
  std::optional<RelPath> scripts;
  std::optional<RelPath> data;
  std::optional<RelPath> headers;  // a distribution's headers go to headers/NAME

  friend bool operator==(const Layout&, const Layout&) = default;
};

// A virtual environment at `root`: lib/python3.11/site-packages, bin, include/site/python3.11; for Windows
// Lib/site-packages, Scripts, include/site/python3.11, with '/' between components.
Layout venv_layout(const Interpreter& interpreter, std::string root);
// A plain directory tree, as pip's --target makes: packages at its top, bin, include/python.
Layout target_layout(const Interpreter& interpreter, std::string root);
// A prefix by the interpreter's scheme, as pip's --prefix: lib/python3.11/site-packages, bin,
// include/python3.11.
Layout prefix_layout(const Interpreter& interpreter, std::string root);
// The interpreter's own site-packages; the root is the deepest directory that holds all schemes (Debian:
// /usr/local). Throws Error(unsupported) when the interpreter's scheme is not known or is not under one root.
Layout system_layout(const Interpreter& interpreter);

// A place of the layout as an absolute path, in the target's spelling.
std::string absolute_path(const Layout& layout, const std::optional<RelPath>& below);

// How RECORD in `lib` (purelib or platlib) names `path`: relative, '/' between, with ".." where needed:
// "../../../bin/x". Both below the layout's root. spec: PEP 376 RECORD.
std::string record_path(const std::optional<RelPath>& lib, const RelPath& path);
// The reverse, lexically: a row's path (relative to `lib`, or absolute and below `root`; '\' counts as '/' on
// Windows) as a path below the root; nullopt when it leaves the root or is no RelPath. "lib64" is not folded.
std::optional<RelPath> resolve_record_path(const Layout& layout, const std::optional<RelPath>& lib,
                                           std::string_view row);

}  // namespace axle
