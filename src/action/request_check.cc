#include "action/request_check.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "action/lexical_path.h"
#include "axle/base/error.h"
#include "base/text.h"

namespace axle {
namespace {

std::string_view name_of(Operation operation) noexcept {
  switch (operation) {
    case Operation::unpack:
      return "unpack";
    case Operation::merge:
      return "merge";
    case Operation::venv:
      return "venv";
    case Operation::inspect:
      return "inspect";
    case Operation::launcher:
      return "launcher";
    case Operation::layer:
      return "layer";
  }
  return "action";
}

// As written, without what makes no difference: "./a//b/../c/" is "a/c". Where a link is left by ".." that is
// another file, which costs a comparison only.
std::string lexical_path(const std::string& path) {
  std::string result = path.starts_with('/') ? "/" : "";
  for (const std::string_view part : lexical_components(path)) {
    if (!result.empty() && result.back() != '/') result += '/';
    result += part;
  }
  return result;
}

// Below one of the trees, at any depth.
void refuse_below(const std::set<std::string>& trees, const std::string& name, const std::string& written,
                  const char* what, const char* hint) {
  for (std::size_t slash = name.find('/', 1); slash != std::string::npos; slash = name.find('/', slash + 1)) {
    if (trees.contains(name.substr(0, slash))) throw Error(ErrorCode::usage, Place{written}, what, hint);
  }
}

class Checker {
 public:
  explicit Checker(const ActionRequest& request) : request_(request) {}

  void check() const {
    const ActionRequest& r = request_;
    if (!r.policy.launcher.environment.empty() && r.policy.launcher.kind != LauncherKind::native) {
      fail("--launcher-env is for native launchers",
           "add --launcher native; a script cannot change the interpreter's variables");
    }
    if (r.operation == Operation::launcher) return check_launcher();
    if (r.operation == Operation::layer) return check_layer();
    const bool only_scans = r.operation == Operation::inspect || r.dry_run;
    const auto is_wheel = [](const ActionSource& one) { return one.kind == ActionSource::Kind::wheel; };
    if (r.operation == Operation::unpack || r.operation == Operation::inspect) {
      if (r.sources.size() != 1 || !is_wheel(r.sources.front()))
        fail("needs exactly one wheel", "--wheel FILE");
    }
    if (r.operation == Operation::merge && r.sources.empty())
      fail("needs something to merge", "--wheel FILE or --tree DIR, repeated");
    if (r.operation == Operation::inspect ? !r.into.empty() && r.dyndep.empty() : r.into.empty())
      fail(r.operation == Operation::inspect ? "writes no tree" : "needs --into DIR");
    if (only_scans && !std::all_of(r.sources.begin(), r.sources.end(), is_wheel) && r.dry_run)
      fail("--dry-run looks into wheels only", "leave out --tree");
    check_changes();
    if (!r.facts_out.empty() && r.operation != Operation::unpack)
      fail("has no --facts-out", "only unpack has, one wheel at a time");
    check_outputs();
    if (r.operation == Operation::inspect && r.dyndep.empty()) return;
    if (!r.dyndep.empty() && r.stamp.empty()) fail("--dyndep needs --stamp: the output that Ninja knows");
    if (!r.dyndep.empty() && r.into.empty()) fail("--dyndep needs --into: where the files will be");
    check_python();
  }

  // Changes of the wheel's files.
  void check_changes() const {
    const ActionRequest& r = request_;
    const char* option = !r.patches.empty()     ? "--patch"
                         : !r.preserved.empty() ? "--preserve-path"
                         : !r.compiler.empty()  ? "--compile-pyc"
                                                : nullptr;
    if (option == nullptr) return;
    if (r.operation != Operation::unpack &&
        (r.compiler.empty() || !r.patches.empty() || !r.preserved.empty()))
      fail(std::string("has no ") + option, "unpack has");
    if (r.operation == Operation::inspect) fail(std::string("has no ") + option);
    const bool wheels = std::any_of(r.sources.begin(), r.sources.end(), [](const ActionSource& one) {
      return one.kind == ActionSource::Kind::wheel;
    });
    if (!wheels)
      fail("compiles wheels, and there is none: a tree has the byte-code that its unpack made",
           "give --compile-pyc to the action that unpacks the wheel");
    if (r.dry_run)
      fail(std::string("knows nothing of ") + option + " with --dry-run", "leave out one of them");
  }

  void check_layer() const {
    const ActionRequest& r = request_;
    check_changes();
    const bool wheels = std::all_of(r.sources.begin(), r.sources.end(), [](const ActionSource& one) {
      return one.kind == ActionSource::Kind::wheel;
    });
    if (r.sources.empty() || !wheels)
      fail("needs wheels", "--wheel FILE, repeated; trees have lost their modes");
    if (r.output.empty() == r.oci.empty() || r.output == "-") fail("needs --output FILE or --oci DIR");
    if (r.oci.empty() && (r.split.by != SplitBy::none || !r.compression.empty()))
      fail("has --split and --compression for images only", "give --oci DIR");
    if (!r.into.empty()) fail("makes no tree");
    if (!r.image_path.starts_with('/')) fail("needs an absolute path for --venv, as it is in the image");
    check_python();
    check_outputs();
  }

  void check_python() const {
    if (!request_.python.empty() || !request_.python_version.empty()) return;
    fail("needs to know the Python it is for",
         "--python-version X.Y, or --python FILE with the facts of one (axle python --json)");
  }

  void check_launcher() const {
    const ActionRequest& r = request_;
    if (!r.sources.empty() || !r.into.empty()) fail("takes no wheels and makes no tree");
    if (r.entry.empty()) fail("needs --entry MODULE:ATTRIBUTE");
    if (r.output.empty() || r.output == "-") fail("needs --output FILE");
    if (r.launcher_given && r.policy.launcher.kind == LauncherKind::script && r.shebang.empty())
      fail("script needs --shebang PATH, the interpreter",
           "or --launcher sh, with the interpreter beside it");
    check_outputs();
  }

  // No two are one, and none is an input; no output lies in a tree that is made or read, and no input in one
  // that is made: what is there makes way for it.
  void check_outputs() const {
    const ActionRequest& r = request_;
    std::set<std::string> inputs, outputs, read_trees, made_trees;
    const auto add = [](std::set<std::string>& paths, const std::string& path) {
      if (!path.empty() && path != "-") paths.insert(lexical_path(path));
    };
    for (const ActionSource& source : r.sources) {
      add(inputs, source.path);
      add(inputs, source.facts);
      if (source.kind == ActionSource::Kind::tree) add(read_trees, source.path);
    }
    add(inputs, r.python);
    add(inputs, r.compiler);
    for (const std::string& patch : r.patches) add(inputs, patch);
    for (const std::string* path : {&r.into, &r.oci}) add(made_trees, *path);
    for (const std::string* path : {&r.into, &r.output, &r.facts_out, &r.stamp, &r.depfile, &r.dyndep,
                                    &r.manifest, &r.descriptor, &r.mtree, &r.oci}) {
      if (path->empty() || *path == "-") continue;
      const std::string name = lexical_path(*path);
      if (inputs.contains(name) || !outputs.insert(name).second)
        throw Error(ErrorCode::usage, Place{*path}, "is named twice among inputs and outputs");
      refuse_below(made_trees, name, *path, "lies in the tree that is made", "put it beside the tree");
      refuse_below(read_trees, name, *path, "lies in a tree that is an input", "put it beside the tree");
    }
    for (const std::string& input : inputs) {
      refuse_below(made_trees, input, input, "is an input, and lies in the tree that is made",
                   "all that is there makes way for the tree: give --into a place of its own");
    }
  }

 private:
  [[noreturn]] void fail(std::string what, std::string hint = {}) const {
    throw Error(ErrorCode::usage, std::string(name_of(request_.operation)) + " " + std::move(what),
                std::move(hint));
  }

  const ActionRequest& request_;
};

}  // namespace

void check_request(const ActionRequest& request) { Checker(request).check(); }

}  // namespace axle
