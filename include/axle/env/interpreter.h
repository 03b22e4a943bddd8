#pragma once
// An interpreter's facts as a value. They come from its files wherever those tell (docs/architecture.md, room
// env), else from one run of it; for a target that has no interpreter here they are made up from its version
// and platform. spec: PEP 405 (pyvenv.cfg), PEP 739 (build-details.json), PEP 668 (EXTERNALLY-MANAGED).

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace axle {

struct TagTarget;          // axle/pep/tag.h
struct MarkerEnvironment;  // axle/pep/marker.h

enum class Os { linux, macos, windows, other };
enum class Libc { none, glibc, musl };

// "linux", "macos", "windows", "other"; "none", "glibc", "musl".
std::string_view to_string(Os os) noexcept;
std::string_view to_string(Libc libc) noexcept;
std::optional<Os> parse_os(std::string_view text) noexcept;
std::optional<Libc> parse_libc(std::string_view text) noexcept;

// Where the interpreter's own installation takes new distributions: absolute paths of the target (on Windows
// with backslashes). `headers` is the directory in which one directory a distribution is made.
struct SystemScheme {
  std::string purelib;
  std::string platlib;
  std::string scripts;
  std::string data;
  std::string headers;

  friend bool operator==(const SystemScheme&, const SystemScheme&) = default;
};

// All paths are absolute paths on the target, UTF-8.
struct Interpreter {
  std::string executable;       // as it was named or found: /usr/bin/python3, or .venv/bin/python
  std::string base_executable;  // the real file of the base installation: /usr/bin/python3.11. A new venv's
                                // bin/python points here, and its directory is pyvenv.cfg's `home`
  std::string version;          // "3.11.7", "3.15.0rc1"
  std::string implementation;   // sys.implementation.name: "cpython", "pypy", "graalpy"
  std::string implementation_version;  // "3.11.7"; PyPy's own: "7.3.13"
  std::string abi;        // the tag of its own ABI: "cp311", "cp313t", "pypy310_pp73"; "" = unknown
  std::string abi_flags;  // sys.abiflags: "", "d", "t", "td", "m" before 3.8
  bool free_threaded = false;
  bool debug = false;

  Os os = Os::linux;
  std::string arch;  // as in platform tags: "x86_64", "aarch64", "arm64", "amd64", "win32" has "x86"
  Libc libc = Libc::none;
  std::string platform;  // best platform tag: "manylinux_2_36_x86_64", "musllinux_1_2_aarch64",
                         // "macosx_14_0_arm64", "win_amd64", "linux_x86_64" when the libc is unknown

  std::string base_prefix;  // sys.base_prefix: "/usr"
  std::string stdlib;       // "/usr/lib/python3.11"
  std::string platlibdir;   // sys.platlibdir: "lib", "lib64"; "Lib" on Windows
  std::string ext_suffix;   // ".cpython-311-x86_64-linux-gnu.so"; "" = unknown
  std::string cache_tag;    // "cpython-311"
  SystemScheme system;      // for --system; a venv's interpreter keeps those of its base

  std::string venv;                   // the environment whose interpreter was asked for; "" = none
  bool system_site_packages = false;  // that environment also sees the base's site-packages
  bool foreign = false;  // made up for another target: none of the files above is looked for here
  std::string found;     // how, for people: "python3 on PATH, pyenv shim, sysconfig data, cache"

  friend bool operator==(const Interpreter&, const Interpreter&) = default;
};

// "3.11" of "3.11.7".
std::string short_version(const Interpreter& interpreter);
// Major and minor as numbers; {0, 0} when the version is no version.
struct PythonMinor {
  int major = 0;
  int minor = 0;
  friend auto operator<=>(const PythonMinor&, const PythonMinor&) = default;
};
PythonMinor python_minor(std::string_view version) noexcept;
// The directory below lib that holds the standard library, also in a venv: "python3.11", "python3.13t",
// "pypy3.10".
std::string lib_name(const Interpreter& interpreter);

// What wheels are selected for. Pure.
TagTarget tag_target(const Interpreter& interpreter);
// What markers are evaluated in; platform_release and platform_version are "" (they belong to a running
// system).
MarkerEnvironment marker_environment(const Interpreter& interpreter);

// An interpreter of another target. `version` is "3.12" or "3.12.4" (and "3.13t" for a free-threaded one);
// `platform` one platform tag; `executable` where it will be, "" for the default: /usr/local/bin/pythonX.Y,
// on Windows C:\PythonXY\python.exe. Throws Error(usage) for a version or tag that is none. Pure.
struct ForeignTarget {
  std::string version;
  std::string platform;
  std::string executable;
};
Interpreter foreign_interpreter(const ForeignTarget& target);

// The platform tag of this machine, from the C library that its shell uses, without running anything;
// "linux_<arch>" when it cannot be told. Throws nothing but Error(io).
std::string host_platform();

// What is asked of find_interpreter(). The library reads no environment variable: the caller passes values
// in.
struct InterpreterRequest {
  std::string spec;  // a path (of an interpreter, an environment, a prefix or a facts file), a version
                     // ("3.12", "3.12.4", "3.13t"), a name ("python3.12") or ""
  std::string venv;  // when spec is "": the environment whose interpreter is wanted; absent ones are no error
  std::string search_path;    // PATH
  std::string cache_dir;      // where facts are kept; "" = not
  std::string pyenv_version;  // PYENV_VERSION
  std::string pyenv_root;     // PYENV_ROOT; "" = told by the shim's place
  std::string working_dir;    // absolute; relative paths and .python-version start here
  std::chrono::milliseconds probe_timeout{10000};
};
// Finds and describes. Runs nothing unless the files do not tell; then runs the interpreter once, as
// `-I -S -c`, and keeps the answer by path, inode, size and modification time.
// Throws Error(no_match) when there is none, Error(bad_input) for a malformed pyvenv.cfg or facts file,
// Error(io) when it cannot be run or read. Thread-safe.
Interpreter find_interpreter(const InterpreterRequest& request);

// The facts file (docs/json.md, "Interpreter facts"): `text` is its content, `name` what errors call it.
// Throws Error(bad_input) with the key that is wrong. Pure.
Interpreter parse_interpreter_facts(std::string_view text, std::string_view name);

// The message of the installation's EXTERNALLY-MANAGED, or nullopt when it has none or the interpreter is a
// venv's. A file that cannot be understood gives a general message. spec: PEP 668.
std::optional<std::string> read_externally_managed(const Interpreter& interpreter);

// pyvenv.cfg. Keys are lower case; the first of equal keys wins, as in CPython's site. spec: PEP 405.
struct PyvenvConfig {
  std::string home;  // "" = absent
  std::string version;
  std::string prompt;
  std::string implementation;
  bool system_site_packages = true;  // a missing key means true
  bool relocatable = false;
};
// Throws Error(bad_input) for what is not UTF-8 or holds NUL. Lines without '=' are passed over, as CPython
// does.
PyvenvConfig parse_pyvenv_config(std::string_view text, std::string_view name);

}  // namespace axle
