#pragma once
// A bundle: an interpreter's tree, an environment in it, the libraries that both need, and launchers, as a
// list of members that anything can be written from.
//
// All of it is one prefix: bin, lib, lib/pythonX.Y/site-packages. Python finds its standard library, and with
// it its packages, beside bin, wherever the prefix is moved; so there is no pyvenv.cfg that would hold a
// path. docs/bundle.md has the layout.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "axle/env/interpreter.h"
#include "axle/object/rpath_edit.h"
#include "axle/plan/plan.h"
#include "axle/store/store.h"
#include "exec/python_tree.h"
#include "plan/bundle_libraries.h"
#include "plan/native_launcher.h"

namespace axle {

struct BundleMember {
  enum class Kind { directory, file, symlink };
  std::string path;
  Kind kind = Kind::file;
  bool executable = false;
  std::string target;                // of a link
  std::string from;                  // of a file: its absolute path on this machine, unless `bytes` are given
  std::optional<std::string> bytes;  // of a file
  std::optional<EditPlan> edit;      // to be done on what is at `from`
};

struct BundleRequest {
  Interpreter interpreter;
  TreeExtent extent = TreeExtent::program;
  TakeLibraries take = TakeLibraries::none;
  // The launcher to add: bin/NAME; none: those of the plan only.
  std::string start;
  LauncherConfig launcher;
};

struct Bundle {
  std::vector<BundleMember> members;  // sorted by path; directories stand before what they hold
  BundleLibraries libraries;          // what the target system must provide
  std::size_t edited = 0;             // objects with other rpaths
  std::vector<std::string> programs;  // programs of wheels that need the target system's loader
};

// `plan` is of a layout whose root is the bundle's, without conflicts. Throws Error(conflict) where a wheel
// has a file on one of the interpreter's, Error(unsupported) for an object whose rpaths cannot be changed or
// an interpreter that cannot be taken along, Error(no_match), Error(io).
Bundle make_bundle(const BundleRequest& request, const Plan& plan, const Store& store);

// The name of the interpreter in bin: "python3.12".
std::string program_name(const Interpreter& interpreter);
// How a launcher in bin starts the bundle's interpreter.
LauncherConfig interpreter_launcher(const Interpreter& interpreter);

// Writes the members into the directory, which must be empty. Every time is `mtime` (seconds since 1970).
void write_bundle(int dir, const std::vector<BundleMember>& members, std::int64_t mtime, unsigned jobs);

// Gives all below the directory that time.
void set_bundle_times(int dir, std::int64_t mtime);

struct BundleCompile {
  std::string program;  // the interpreter in the bundle's bin
  std::int64_t mtime = 0;
  unsigned jobs = 1;
};
// Byte-compiles `library` ("lib/python3.12") of the bundle at `path` by its own interpreter, described by
// `interpreter`, so that the byte-code depends on no time, no path and no number of jobs. Returns a line for
// each module that could not be compiled, which is for a warning: it stays a module. Throws Error(io),
// Error(interrupted).
std::optional<std::string> compile_bundle(const std::string& path, const Interpreter& interpreter,
                                          const std::string& library, const BundleCompile& how);

}  // namespace axle
