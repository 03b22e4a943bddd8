#pragma once
// One action of a build system as a value: what is read, what is written, how.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "action/compile_tree.h"
#include "axle/base/digest.h"
#include "axle/env/layout.h"
#include "axle/plan/policy.h"
#include "axle/plan/split_layers.h"
#include "axle/store/store.h"

namespace axle {

enum class Operation { unpack, merge, venv, inspect, launcher, layer };

// A wheel, or a tree that an earlier action made.
struct ActionSource {
  enum class Kind { wheel, tree };
  Kind kind = Kind::wheel;
  std::string path;
  std::vector<Hash> hashes;  // --sha256 after it
  std::string facts;         // --facts after it: what was found when it was unpacked; "" = none
};

struct ActionRequest {
  Operation operation = Operation::unpack;
  std::vector<ActionSource> sources;  // in the order given

  // What is written; "" = not.
  std::string into;               // the tree
  std::string output;             // inspect: the JSON; launcher: the program; layer: the tar
  std::string oci;                // layer: an OCI image layout instead of the tar
  std::string descriptor, mtree;  // layer: its digests (of an image, its manifest's) as JSON; its members
  std::string facts_out;          // unpack: what was found in the wheel
  std::string stamp, depfile, dyndep, manifest;
  enum class DepStyle { make, lines } dep_style = DepStyle::make;
  std::string origin;  // of the manifest's rows; "" = the wheel's file name

  // For what.
  std::string python;  // facts of an interpreter (a declared input); "" = none
  std::string python_version, platform, target_python;
  std::string python_major, python_minor;  // rules_py's way to give the version
  std::string image_path = "/opt/venv";    // layer: where the environment is in the image
  SplitRule split;                         // layers of an image
  std::string compression;                 // of these: "none", "gzip", "zstd"; "" = gzip
  LayoutKind layout = LayoutKind::venv;
  std::optional<std::string> prompt;
  bool system_site_packages = false;
  enum class Interpreter { automatic, link, none } interpreter = Interpreter::automatic;  // in bin of a venv

  // launcher: what it calls, and how it finds the interpreter.
  std::string entry;            // "module:attribute"
  bool launcher_given = false;  // policy.launcher.kind was asked for

  // unpack: what is done to the wheel's files.
  std::vector<std::string> patches;    // files, in their order
  unsigned patch_strip = 0;            // components that are taken from the names in them
  std::vector<std::string> preserved;  // below site-packages: what must be there, before and after
  std::string compiler;                // an interpreter (a declared input); "" = no byte-code is made
  PycCheck pyc_check = PycCheck::unchecked;

  // How.
  std::string shebang;  // what scripts start; "" = the interpreter beside them
  Policy policy;
  bool collisions_warned = true;  // of paths that a policy decided
  VerifyLevel verify = VerifyLevel::record;
  enum class Times { archive, now, given } times = Times::archive;
  std::int64_t time = 0;  // seconds, when given
  bool dry_run = false;
  bool json = false;  // errors as JSON
  bool quiet = false;
  unsigned jobs = 0;  // 0 = as many as the caller likes
};

// Whether an option of an action has its value in the next argument.
bool takes_value(std::string_view option) noexcept;

// `arguments` after parameter files were taken in: the operation and its options, in any order. Throws
// Error(usage), or Error(unsupported) for what other tools take and axle does not do. Pure.
ActionRequest parse_request(std::span<const std::string> arguments);

}  // namespace axle
