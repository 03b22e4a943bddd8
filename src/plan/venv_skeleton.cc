#include "plan/venv_skeleton.h"

#include <algorithm>

#include "axle/base/error.h"
#include "base/text.h"
#include "plan/activate.h"

namespace axle {
namespace {

// spec: Cache Directory Tagging Specification; the digits are the specification's.
constexpr std::string_view cache_tag_file =
    "Signature: 8a477f597d28d172789f06886806bc55\n"
    "# This file marks a directory that can be made again, for tools that make backups.\n";

void check_text(std::string_view text, const char* what) {
  for (char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      throw Error(
          ErrorCode::usage,
          std::string("the environment's ") + what + " " + quoted(text) + " holds a control character",
          "choose another one: no shell could activate it safely");
    }
  }
  if (!is_utf8(text)) {
    throw Error(ErrorCode::usage,
                std::string("the environment's ") + what + " " + quoted(text) + " is not UTF-8");
  }
}

void check_options(const Interpreter& interpreter, const VenvOptions& options, std::string_view prompt) {
  check_text(options.root, "path");
  check_text(prompt, "prompt");
  check_text(interpreter.base_executable, "interpreter");
  const bool windows = interpreter.os == Os::windows;
  const char separator = windows ? ';' : ':';
  if (options.root.find(separator) != std::string::npos) {
    throw Error(ErrorCode::usage,
                "the environment's path " + quoted(options.root) + " holds '" + separator +
                    "', which separates the parts of PATH",
                "choose a path without it");
  }
  if (windows && prompt.find('"') != std::string_view::npos) {
    throw Error(ErrorCode::usage,
                "the prompt " + quoted(prompt) + " holds a double quote, which cmd.exe cannot quote",
                "choose another one with --prompt");
  }
}

std::string default_prompt(std::string_view root, Os os) {
  const std::string_view separators = os == Os::windows ? "\\/" : "/";
  while (root.size() > 1 && separators.find(root.back()) != std::string_view::npos) root.remove_suffix(1);
  const std::size_t slash = root.find_last_of(separators);
  return std::string(slash == std::string_view::npos ? root : root.substr(slash + 1));
}

std::string prompt_of(const Interpreter& interpreter, const VenvOptions& options) {
  return options.prompt.empty() ? default_prompt(options.root, interpreter.os) : options.prompt;
}

class Skeleton {
 public:
  void add(const std::string& path, SkeletonKind kind, std::string content = {}) {
    entries_.push_back({RelPath::parse(path), kind, std::move(content)});
  }
  std::vector<SkeletonEntry> take() {
    std::sort(entries_.begin(), entries_.end(),
              [](const SkeletonEntry& a, const SkeletonEntry& b) { return a.path < b.path; });
    return std::move(entries_);
  }

 private:
  std::vector<SkeletonEntry> entries_;
};

void add_posix_interpreter(Skeleton& skeleton, const Interpreter& interpreter, const VenvOptions& options) {
  const bool copied = options.interpreter == VenvInterpreter::copied;
  if (copied) {
    skeleton.add("bin/python", SkeletonKind::executable, options.executable);
  } else {
    skeleton.add("bin/python", SkeletonKind::symlink, interpreter.base_executable);
  }
  const std::string minor = short_version(interpreter);
  std::vector<std::string> names{"python3", "python" + minor};
  if (interpreter.free_threaded) names.push_back("python" + minor + "t");
  if (interpreter.implementation == "pypy") {
    names.insert(names.end(), {"pypy", "pypy3", "pypy" + minor});
  } else if (interpreter.implementation == "graalpy") {
    names.push_back("graalpy");
  }
  for (const std::string& name : names) {
    if (copied) {
      skeleton.add("bin/" + name, SkeletonKind::executable, options.executable);
    } else {
      skeleton.add("bin/" + name, SkeletonKind::symlink, "python");
    }
  }
}

void add_posix_tree(Skeleton& skeleton, const Interpreter& interpreter, VenvInterpreter where) {
  const Layout layout = venv_layout(interpreter, "/");
  skeleton.add(layout.purelib->str(), SkeletonKind::directory);
  if (layout.platlib != layout.purelib) skeleton.add(layout.platlib->str(), SkeletonKind::directory);
  // An environment without an interpreter is an output of a build: those keep links badly, and caches drop
  // empty directories.
  if (where == VenvInterpreter::at_run_time) return;
  skeleton.add("include/" + lib_name(interpreter), SkeletonKind::directory);
  // spec: CPython's venv up to 3.14 (gh-133951): 64-bit POSIX but macOS.
  const bool narrow = interpreter.arch == "i686" || interpreter.arch.starts_with("armv");
  if (interpreter.os == Os::linux && !narrow && python_minor(interpreter.version) < PythonMinor{3, 15} &&
      where == VenvInterpreter::linked) {
    skeleton.add("lib64", SkeletonKind::symlink, "lib");
  }
}

void add_windows_tree(Skeleton& skeleton, const Interpreter& interpreter, const VenvOptions& options,
                      const Activation& activation) {
  // spec: CPython's venv: a free-threaded installation's programs have the version in their names too.
  std::vector<std::string> suffixes{".exe"};
  if (interpreter.free_threaded) suffixes.push_back(short_version(interpreter) + "t.exe");
  for (const std::string& suffix : suffixes) {
    if (!options.windows_python.empty()) {
      skeleton.add("Scripts/python" + suffix, SkeletonKind::executable, options.windows_python);
    }
    if (!options.windows_pythonw.empty()) {
      skeleton.add("Scripts/pythonw" + suffix, SkeletonKind::executable, options.windows_pythonw);
    }
  }
  skeleton.add("Lib/site-packages", SkeletonKind::directory);
  skeleton.add("Scripts/activate.bat", SkeletonKind::file, render_activate_batch(activation));
  skeleton.add("Scripts/deactivate.bat", SkeletonKind::file, render_deactivate_batch());
}

}  // namespace

std::string render_pyvenv_config(const Interpreter& interpreter, const VenvOptions& options) {
  const char separator = interpreter.os == Os::windows ? '\\' : '/';
  const std::string& executable = interpreter.base_executable;
  const std::size_t slash = executable.rfind(separator);
  const bool named = options.interpreter != VenvInterpreter::at_run_time;
  const std::string home =
      slash == std::string::npos || !named ? "" : executable.substr(0, slash == 0 ? 1 : slash);
  const std::string& implementation = interpreter.implementation;
  // include-system-site-packages must stand: without it Python assumes true. spec: PEP 405.
  std::string text = "home = " + home + "\n";
  text += "implementation = " +
          std::string(implementation == "cpython"   ? "CPython"
                      : implementation == "pypy"    ? "PyPy"
                      : implementation == "graalpy" ? "GraalVM"
                                                    : implementation.c_str()) +
          "\n";
  text += "version = " + interpreter.version + "\n";
  text += "version_info = " + interpreter.version + "\n";
  text += std::string("include-system-site-packages = ") + (options.system_site_packages ? "true" : "false") +
          "\n";
  if (named) text += "executable = " + executable + "\n";
  if (options.relocatable) text += "relocatable = true\n";
  if (options.explicit_prompt) text += "prompt = " + prompt_of(interpreter, options) + "\n";
  return text;
}

std::vector<SkeletonEntry> make_venv_skeleton(const Interpreter& interpreter, const VenvOptions& options) {
  const std::string prompt = prompt_of(interpreter, options);
  check_options(interpreter, options, prompt);
  const bool windows = interpreter.os == Os::windows;
  // Where it will be on Windows is not known when its root is a path of this machine.
  const Activation activation{options.root, prompt, windows ? "Scripts" : "bin", interpreter.os,
                              options.relocatable || (windows && options.root.starts_with('/'))};

  Skeleton skeleton;
  skeleton.add("pyvenv.cfg", SkeletonKind::file, render_pyvenv_config(interpreter, options));
  skeleton.add(".gitignore", SkeletonKind::file, "*\n");
  skeleton.add("CACHEDIR.TAG", SkeletonKind::file, std::string(cache_tag_file));
  const std::string bin = activation.bin + "/";
  skeleton.add(bin + "activate", SkeletonKind::file, render_activate_sh(activation));
  skeleton.add(bin + "activate.fish", SkeletonKind::file, render_activate_fish(activation));
  skeleton.add(bin + "activate.nu", SkeletonKind::file, render_activate_nushell(activation));
  skeleton.add(bin + "Activate.ps1", SkeletonKind::file, render_activate_powershell(activation));
  if (windows) {
    add_windows_tree(skeleton, interpreter, options, activation);
  } else {
    skeleton.add("bin/activate.csh", SkeletonKind::file, render_activate_csh(activation));
    if (options.interpreter != VenvInterpreter::at_run_time)
      add_posix_interpreter(skeleton, interpreter, options);
    add_posix_tree(skeleton, interpreter, options.interpreter);
  }
  return skeleton.take();
}

bool is_environment_script(std::string_view name) {
  std::string lower = ascii_lower(name);
  for (std::string_view suffix : {".exe", ".py"}) {
    if (lower.ends_with(suffix)) lower.resize(lower.size() - suffix.size());
  }
  std::string_view stem = lower;
  if (stem.starts_with("activate") && (stem.size() == 8 || stem[8] == '.' || stem[8] == '_')) return true;
  if (stem == "deactivate" || stem.starts_with("deactivate.")) return true;
  for (std::string_view implementation : {"pythonw", "python", "pypy", "graalpy"}) {
    if (!stem.starts_with(implementation)) continue;
    // Nothing, or a version: "3", "3.12", "3.13t".
    std::string_view rest = stem.substr(implementation.size());
    if (rest.ends_with('t') && rest.size() > 1) rest.remove_suffix(1);
    bool version = true;
    for (char c : rest) version = version && (is_digit(c) || c == '.');
    if (version) return true;
  }
  return false;
}

}  // namespace axle
