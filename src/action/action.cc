#include "action/action.h"

#include <fcntl.h>

#include <algorithm>
#include <ctime>

#include "action/assemble.h"
#include "action/inspect_wheel.h"
#include "action/layer_action.h"
#include "action/outputs.h"
#include "action/place_check.h"
#include "action/reports.h"
#include "axle/base/error.h"
#include "axle/plan/flatten.h"
#include "axle/wheel/entry_points.h"
#include "base/file.h"
#include "base/text.h"
#include "plan/launcher_flags.h"
#include "plan/launcher_scripts.h"
#include "plan/native_launcher.h"

namespace axle {
namespace {

constexpr std::int64_t second_ns = 1'000'000'000;
// Of files that axle writes itself: the first time that a zip can say, 1980-01-01.
constexpr std::int64_t default_epoch = 315532800;

// The file that the depfile is about: what the build system knows this action by.
const std::string& target_of(const ActionRequest& request) {
  for (const std::string* path : {&request.stamp, &request.output, &request.oci, &request.into}) {
    if (!path->empty()) return *path;
  }
  return request.into;
}

// A program that calls an entry point, for rules that make their own.
std::string render_launcher(const ActionRequest& request) {
  const ObjectReference call = parse_object_reference(request.entry);
  if (call.attribute.empty()) {
    throw Error(ErrorCode::usage, "--entry " + quoted(request.entry) + " names no attribute",
                "--entry MODULE:ATTRIBUTE");
  }
  const LauncherKind kind = request.policy.launcher.kind;
  const EntryPointCall entry{call.module, call.attribute};
  if (kind == LauncherKind::native) {
    const std::string arch =
        request.platform.empty() ? "x86_64" : foreign_interpreter({"3.12", request.platform, ""}).arch;
    return render_native_entry_point(arch, request.shebang.empty() ? "python" : request.shebang, entry,
                                     request.policy.launcher);
  }
  ScriptInterpreter interpreter;
  interpreter.relocatable = kind == LauncherKind::sh || request.shebang.empty();
  interpreter.executable = request.shebang.empty() ? "/python" : request.shebang;
  return render_entry_point(entry, interpreter, join_flags(request.policy.launcher.flags));
}

class Action {
 public:
  Action(const ActionRequest& request, const ActionContext& context) : request_(request), context_(context) {
    if (request_.times == ActionRequest::Times::now) request_.time = std::time(nullptr);
    if (request_.jobs != 0) context_.jobs = std::min(context_.jobs, request_.jobs);
  }

  ActionResult run() {
    if (request_.operation == Operation::launcher) {
      outputs_.file(reach(context_, request_.output), render_launcher(request_), Outputs::Mode::program);
      if (!request_.depfile.empty()) write_depfile({}, request_.output);
    } else if (request_.operation == Operation::layer) {
      layer();
    } else if (request_.operation == Operation::inspect) {
      inspect();
      if (!request_.dyndep.empty()) describe_tree();
    } else if (request_.dry_run) {
      describe_tree();
    } else {
      build_tree();
    }
    outputs_.commit();
    return std::move(result_);
  }

 private:
  void write(const std::string& path, std::string_view bytes) {
    if (!path.empty()) outputs_.file(reach(context_, path), bytes);
  }

  void inspect() {
    const ActionSource& source = request_.sources.front();
    const WheelScan scan = scan_wheel(reach(context_, source.path),
                                      source.path.substr(source.path.rfind('/') + 1), FactsDetail::layout);
    std::vector<std::string> read{source.path};
    std::optional<WheelFacts> facts;
    if (!source.facts.empty()) {
      facts = WheelFacts::open(read_file(AT_FDCWD, reach(context_, source.facts)), source.facts);
      read.push_back(source.facts);
    }
    std::string json = render_wheel_json(scan, facts);
    if (!request_.depfile.empty()) write_depfile(read, target_of(request_));
    if (request_.output.empty() || request_.output == "-") {
      if (request_.dyndep.empty()) result_.text = std::move(json);
    } else {
      write(request_.output, json);
    }
  }

  void layer() {
    make_layer(request_, context_, outputs_, result_.notes);
    std::vector<std::string> read;
    for (const ActionSource& source : request_.sources) read.push_back(source.path);
    for (const std::string* path : {&request_.python, &request_.compiler}) {
      if (!path->empty()) read.push_back(*path);
    }
    std::sort(read.begin(), read.end());
    if (!request_.depfile.empty()) write_depfile(read, target_of(request_));
  }

  void write_depfile(const std::vector<std::string>& read, const std::string& target) {
    write(request_.depfile, render_depfile(target, read, request_.dep_style));
  }

  // Without building it.
  void describe_tree() {
    Assembly assembly = scan(request_, context_);
    write_reports(assembly);
    const std::string& target = request_.dyndep.empty() ? target_of(request_) : request_.dyndep;
    if (!request_.depfile.empty()) write_depfile(assembly.read, target);
    if (request_.dyndep.empty() && request_.manifest.empty() && request_.operation != Operation::inspect) {
      for (const FlatEntry& entry : flatten(assembly.plan, {})) {
        if (entry.kind != FlatKind::directory) result_.text += entry.path + "\n";
      }
    }
    result_.notes = std::move(assembly.notes);
  }

  void build_tree() {
    const Fd& root = outputs_.tree(reach(context_, request_.into));
    Assembly assembly = assemble(request_, context_, outputs_);
    LayOptions how;
    how.mode = request_.policy.link_mode;
    if (how.mode == LinkMode::automatic) how.mode = LinkMode::hardlink;
    if (how.mode == LinkMode::symlink) how.mode = LinkMode::copy;  // its real files
    how.jobs = context_.jobs;
    how.generated_mtime_ns = default_epoch * second_ns;
    if (request_.times != ActionRequest::Times::archive)
      how.generated_mtime_ns = *(how.copied_mtime_ns = request_.time * second_ns);
    lay_entries(root, assembly.plan, entries_to_lay(assembly, request_), assembly.trees, how);
    write_reports(assembly);
    write(request_.stamp, render_stamp(assembly.plan));
    if (!request_.facts_out.empty()) write(request_.facts_out, assembly.plan.dists.front().facts.bytes());
    if (!request_.depfile.empty()) write_depfile(assembly.read, target_of(request_));
    result_.notes = std::move(assembly.notes);
  }

  void write_reports(const Assembly& assembly) {
    if (request_.dyndep.empty() && request_.manifest.empty()) return;
    const std::vector<FlatEntry> entries = flatten(assembly.plan, {});
    if (!request_.dyndep.empty())
      write(request_.dyndep, render_dyndep(request_.stamp, request_.into, entries));
    if (request_.manifest.empty()) return;
    std::vector<std::string> origins = assembly.origins;
    for (std::string& origin : origins) {
      origin = request_.origin.empty() ? origin.substr(origin.rfind('/') + 1) : request_.origin;
    }
    write(request_.manifest, render_manifest(assembly.plan, request_.into, entries, origins));
  }

  ActionRequest request_;
  ActionContext context_;
  Outputs outputs_;
  ActionResult result_;
};

}  // namespace

std::string reach(const ActionContext& context, const std::string& path) {
  return path.starts_with('/') ? path : context.base + path;
}

ActionResult run_action(const ActionRequest& request, const ActionContext& context) {
  check_places(request, context);
  return Action(request, context).run();
}

}  // namespace axle
