#include "axle/env/layout.h"

#include <algorithm>
#include <vector>

#include "axle/base/error.h"
#include "base/text.h"

namespace axle {
namespace {

// Normal components of a path: "" and "." dropped, ".." kept.
std::vector<std::string_view> components(std::string_view path) {
  std::vector<std::string_view> parts;
  for (std::string_view part : split(path, '/')) {
    if (!part.empty() && part != ".") parts.push_back(part);
  }
  return parts;
}

std::string join(const std::vector<std::string_view>& parts, std::size_t from) {
  std::string path;
  for (std::size_t i = from; i < parts.size(); ++i) {
    if (!path.empty()) path += '/';
    path += parts[i];
  }
  return path;
}

std::string with_slashes(std::string_view path, Os os) {
  std::string text(path);
  if (os == Os::windows) std::replace(text.begin(), text.end(), '\\', '/');
  return text;
}

bool same_component(std::string_view a, std::string_view b, Os os) {
  return os == Os::windows ? ascii_iequal(a, b) : a == b;
}

// "/..." or, on Windows, "C:/..." (with slashes already).
bool is_absolute(std::string_view path, Os os) {
  if (path.starts_with('/')) return true;
  return os == Os::windows && path.size() > 1 && is_alpha(path[0]) && path[1] == ':';
}

Layout base_layout(LayoutKind kind, const Interpreter& interpreter, std::string root) {
  Layout layout;
  layout.kind = kind;
  layout.os = interpreter.os;
  layout.root = std::move(root);
  return layout;
}

}  // namespace

std::string_view to_string(LayoutKind kind) noexcept {
  switch (kind) {
    case LayoutKind::venv:
      return "venv";
    case LayoutKind::target:
      return "target";
    case LayoutKind::prefix:
      return "prefix";
    case LayoutKind::system:
      break;
  }
  return "system";
}

Layout venv_layout(const Interpreter& interpreter, std::string root) {
  Layout layout = base_layout(LayoutKind::venv, interpreter, std::move(root));
  // spec: pip puts headers of an environment here, because the scheme's `include` is the base installation's.
  layout.headers = RelPath::parse("include/site/python" + short_version(interpreter));
  if (interpreter.os == Os::windows) {
    layout.purelib = RelPath::parse("Lib/site-packages");
    layout.platlib = layout.purelib;
    layout.scripts = RelPath::parse("Scripts");
    return layout;
  }
  const std::string below = "/" + lib_name(interpreter) + "/site-packages";
  layout.purelib = RelPath::parse("lib" + below);
  layout.platlib = layout.purelib;
  // Until 3.14 a link lib64 -> lib makes the two one; from 3.15 on they are two directories.
  const bool two = python_minor(interpreter.version) >= PythonMinor{3, 15};
  if (two && !interpreter.platlibdir.empty()) layout.platlib = RelPath::parse(interpreter.platlibdir + below);
  layout.scripts = RelPath::parse("bin");
  return layout;
}

Layout target_layout(const Interpreter& interpreter, std::string root) {
  Layout layout = base_layout(LayoutKind::target, interpreter, std::move(root));
  layout.scripts = RelPath::parse("bin");
  layout.headers = RelPath::parse("include/python");  // spec: sysconfig scheme posix_home
  return layout;
}

Layout prefix_layout(const Interpreter& interpreter, std::string root) {
  Layout layout = base_layout(LayoutKind::prefix, interpreter, std::move(root));
  if (interpreter.os == Os::windows) {
    layout.purelib = RelPath::parse("Lib/site-packages");
    layout.platlib = layout.purelib;
    layout.scripts = RelPath::parse("Scripts");
    layout.headers = RelPath::parse("Include");
    return layout;
  }
  const std::string below = "/" + lib_name(interpreter) + "/site-packages";
  layout.purelib = RelPath::parse("lib" + below);
  layout.platlib =
      interpreter.platlibdir.empty() ? layout.purelib : RelPath::parse(interpreter.platlibdir + below);
  layout.scripts = RelPath::parse("bin");
  layout.headers = RelPath::parse("include/python" + short_version(interpreter) + interpreter.abi_flags);
  return layout;
}

Layout system_layout(const Interpreter& interpreter) {
  const SystemScheme& scheme = interpreter.system;
  const Os os = interpreter.os;
  const std::vector<std::string> paths{with_slashes(scheme.purelib, os), with_slashes(scheme.platlib, os),
                                       with_slashes(scheme.scripts, os), with_slashes(scheme.data, os),
                                       with_slashes(scheme.headers, os)};
  std::vector<std::vector<std::string_view>> parts;
  for (const std::string& path : paths) {
    if (!is_absolute(path, os)) {
      throw Error(ErrorCode::unsupported,
                  "the installation scheme of " + interpreter.executable + " is not known",
                  "install into an environment or with --prefix");
    }
    parts.push_back(components(path));
    if (std::find(parts.back().begin(), parts.back().end(), "..") != parts.back().end()) {
      throw Error(ErrorCode::unsupported,
                  "the installation scheme of " + interpreter.executable + " has \"..\" in it",
                  "install into an environment or with --prefix");
    }
  }
  std::size_t shared = 0;
  while (std::all_of(parts.begin(), parts.end(), [&](const auto& path) {
    return shared < path.size() && same_component(path[shared], parts.front()[shared], os);
  })) {
    ++shared;
  }
  const std::vector<std::string_view> above(parts.front().begin(),
                                            parts.front().begin() + static_cast<std::ptrdiff_t>(shared));
  std::string root = (paths.front().starts_with('/') ? "/" : "") + join(above, 0);
  if (os == Os::windows) {
    if (shared == 0) {
      throw Error(ErrorCode::unsupported,
                  "the installation scheme of " + interpreter.executable + " is spread over drives",
                  "install into an environment or with --prefix");
    }
    std::replace(root.begin(), root.end(), '/', '\\');
    if (root.ends_with(':')) root += '\\';
  }
  Layout layout = base_layout(LayoutKind::system, interpreter, std::move(root));
  const auto below = [&](std::size_t index) -> std::optional<RelPath> {
    const std::string rest = join(parts[index], shared);
    if (rest.empty()) return std::nullopt;
    return RelPath::parse(rest);
  };
  layout.purelib = below(0);
  layout.platlib = below(1);
  layout.scripts = below(2);
  layout.data = below(3);
  layout.headers = below(4);
  return layout;
}

std::string absolute_path(const Layout& layout, const std::optional<RelPath>& below) {
  if (!below) return layout.root;
  std::string path = below->str();
  const char separator = layout.os == Os::windows ? '\\' : '/';
  std::replace(path.begin(), path.end(), '/', separator);
  if (layout.root.ends_with(separator)) return layout.root + path;
  return layout.root + separator + path;
}

std::string record_path(const std::optional<RelPath>& lib, const RelPath& path) {
  if (!lib) return path.str();
  const std::vector<std::string_view> from = components(lib->str());
  const std::vector<std::string_view> to = components(path.str());
  std::size_t shared = 0;
  while (shared < from.size() && shared + 1 < to.size() && from[shared] == to[shared]) ++shared;
  std::string relative;
  for (std::size_t i = shared; i < from.size(); ++i) relative += "../";
  return relative + join(to, shared);
}

std::optional<RelPath> resolve_record_path(const Layout& layout, const std::optional<RelPath>& lib,
                                           std::string_view row) {
  const std::string text = with_slashes(row, layout.os);
  if (text.empty() || text.ends_with('/')) return std::nullopt;
  std::vector<std::string_view> at;
  const std::string root = with_slashes(layout.root, layout.os);
  std::vector<std::string_view> parts = components(text);
  if (is_absolute(text, layout.os)) {
    // Compared by components: "/env2/x" is not below "/env". spec: pip CVE-2026-1703.
    const std::vector<std::string_view> above = components(root);
    if (parts.size() <= above.size()) return std::nullopt;
    for (std::size_t i = 0; i < above.size(); ++i) {
      if (!same_component(above[i], parts[i], layout.os)) return std::nullopt;
    }
    parts.erase(parts.begin(), parts.begin() + static_cast<std::ptrdiff_t>(above.size()));
  } else if (lib) {
    at = components(lib->str());
  }
  for (std::string_view part : parts) {
    if (part != "..") {
      at.push_back(part);
    } else if (at.empty()) {
      return std::nullopt;
    } else {
      at.pop_back();
    }
  }
  return RelPath::try_parse(join(at, 0));
}

}  // namespace axle
