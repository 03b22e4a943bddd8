#include "action/assemble.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <set>

#include "action/compile_tree.h"
#include "action/lexical_path.h"
#include "action/patch_tree.h"
#include "action/tree_facts.h"
#include "action/wheel_scan.h"
#include "axle/base/error.h"
#include "axle/pep/tag.h"
#include "base/file.h"
#include "base/text.h"
#include "plan/passes.h"
#include "plan/windows_launcher.h"
#include "store/unpack.h"

namespace axle {
namespace {

using Kind = ActionSource::Kind;

std::string base_name(const std::string& path) {
  std::string_view rest = path;
  while (rest.size() > 1 && rest.ends_with('/')) rest.remove_suffix(1);
  return std::string(rest.substr(rest.rfind('/') + 1));
}

// What a target is when nobody says: nothing of this machine may matter.
constexpr const char* any_platform = "linux_x86_64";
constexpr std::uint64_t max_patch = 64U << 20;

Interpreter interpreter_of(const ActionRequest& request, const ActionContext& context) {
  if (!request.python.empty())
    return parse_interpreter_facts(read_file(AT_FDCWD, reach(context, request.python)), request.python);
  ForeignTarget target;
  target.version = request.python_version;
  target.platform = request.platform.empty() ? any_platform : request.platform;
  target.executable = request.target_python;
  return foreign_interpreter(target);
}

class Assembler {
 public:
  Assembler(const ActionRequest& request, const ActionContext& context)
      : request_(request), context_(context) {
    if (!request.python.empty()) assembly_.read.push_back(request.python);
    // Nothing that is written may hold the output's own place, so it has none.
    input_ = make_plan_input(request, context, "/" + base_name(request.into));
  }

  Assembly run(Outputs& outputs) {
    unpack(outputs);
    std::size_t wheel = 0;
    for (const ActionSource& source : request_.sources) {
      if (source.kind == Kind::wheel) {
        add_wheel(source, wheel++, outputs.scratch());
      } else {
        add_tree(source);
      }
    }
    return finish();
  }

  Assembly scan() {
    for (const ActionSource& source : request_.sources) {
      const WheelScan scan =
          scan_wheel(reach(context_, source.path), base_name(source.path), FactsDetail::whole);
      assembly_.read.push_back(source.path);
      add(source, {scan.facts, false, std::nullopt});
    }
    return finish();
  }

 private:
  std::optional<std::int64_t> time_ns() const {
    constexpr std::int64_t second = 1'000'000'000;
    if (request_.times == ActionRequest::Times::archive) return std::nullopt;
    return request_.time * second;
  }

  void unpack(Outputs& outputs) {
    for (const ActionSource& source : request_.sources) {
      if (source.kind != Kind::wheel) continue;
      wheel_sources_.push_back(
          {reach(context_, source.path), base_name(source.path), source.hashes, std::nullopt});
      assembly_.read.push_back(source.path);
    }
    if (wheel_sources_.empty()) return;
    for (const WheelSource& source : wheel_sources_) jobs_.emplace_back().source = &source;
    UnpackOptions options;
    options.verify = request_.verify;
    options.use = StoreUse::once;
    options.jobs = jobs_for_wheels();
    options.mtime_ns = time_ns();
    unpack_wheels_below(outputs.scratch(), jobs_, options);
    for (const UnpackJob& job : jobs_) {
      if (job.failure) std::rethrow_exception(job.failure);
    }
  }

  // Starting a thread costs as much as unpacking a small wheel.
  unsigned jobs_for_wheels() const {
    constexpr std::uint64_t worth_a_thread = 512U << 10;
    std::uint64_t bytes = 0;
    for (const WheelSource& source : wheel_sources_) {
      if (const auto status = try_stat(AT_FDCWD, source.path))
        bytes += static_cast<std::uint64_t>(status->st_size);
    }
    return static_cast<unsigned>(std::min<std::uint64_t>(context_.jobs, 1 + bytes / worth_a_thread));
  }

  void add_wheel(const ActionSource& source, std::size_t index, const Fd& scratch) {
    WheelFacts facts = *jobs_[index].facts;
    for (const std::string_view warning : facts.warnings()) {
      assembly_.notes.push_back({Severity::warning, "wheel", std::string(facts.normalized()), source.path,
                                 std::string(warning), ""});
    }
    judge_record(facts, wheel_sources_[index], request_.verify, assembly_.notes);
    DistTree tree;
    tree.dir = scratch.get();
    tree.path = std::to_string(index) + "/tree";
    facts = change(std::move(facts), scratch, tree.path);
    if (!add(source, {facts, false, std::nullopt})) return;
    tree.use = DistTree::Use::take;
    for (const Scheme scheme : all_schemes)
      tree.schemes[static_cast<std::size_t>(scheme)] = tree_prefix(scheme);
    assembly_.trees.push_back(std::move(tree));
  }

  // Patches, byte-code.
  WheelFacts change(WheelFacts facts, const Fd& scratch, const std::string& tree) {
    if (!request_.patches.empty() || !request_.preserved.empty()) {
      PatchJob job{{}, request_.patch_strip, input_.layout, request_.preserved, time_ns()};
      for (const std::string& path : request_.patches) {
        job.patches.push_back({path, read_file(AT_FDCWD, reach(context_, path), max_patch)});
        assembly_.read.push_back(path);
      }
      facts = patch_tree(scratch, tree, facts, job);
    }
    if (!request_.compiler.empty()) {
      CompileJob job{input_.interpreter, request_.pyc_check, context_.jobs, time_ns()};
      job.interpreter.executable = reach(context_, request_.compiler);
      job.interpreter.base_executable.clear();
      assembly_.read.push_back(request_.compiler);
      facts = compile_tree(scratch, tree, facts, job, assembly_.notes);
    }
    return facts;
  }

  void add_tree(const ActionSource& source) {
    Fd root = open_dir(AT_FDCWD, reach(context_, source.path));
    const auto known = source.facts.empty() ? std::nullopt : read_facts(source);
    TreeContent content;
    TreeShape shape = TreeShape::as_read;
    if (known) {
      shape = TreeShape::by_scheme;
      content.dists.push_back({*known, false, std::nullopt});
      list_files(*known, content.read);
    } else {
      content = read_tree(root, input_.layout, source.path, request_.verify, context_.jobs);
    }
    for (const std::string& path : content.read) assembly_.read.push_back(source.path + "/" + path);
    for (TreeDist& dist : content.dists) {
      DistTree tree = tree_of(input_.layout, dist.facts, shape);
      if (!add(source, {dist.facts, dist.requested, dist.direct_url})) continue;
      tree.dir = root.get();
      tree.path = ".";
      tree.location = source.path;
      assembly_.trees.push_back(std::move(tree));
    }
    assembly_.opened.push_back(std::move(root));
  }

  // nullopt: they do not say where the files are, since lib64 is laid into lib.
  std::optional<WheelFacts> read_facts(const ActionSource& source) {
    assembly_.read.push_back(source.facts);
    WheelFacts facts = WheelFacts::open(read_file(AT_FDCWD, reach(context_, source.facts)), source.facts);
    const auto data = facts.root(Scheme::data);
    if (!data) return facts;
    for (const std::uint32_t dir : facts.child_dirs(*data)) {
      if (facts.name(facts.dir(dir)) == "lib64") return std::nullopt;
    }
    return facts;
  }

  void list_files(const WheelFacts& facts, std::vector<std::string>& paths) const {
    const DistTree tree = tree_of(input_.layout, facts, TreeShape::by_scheme);
    for (std::uint32_t i = 0; i < facts.files().size(); ++i) {
      const std::string& dir = tree.schemes[static_cast<std::size_t>(facts.scheme_of(facts.file(i)))];
      paths.push_back((dir.empty() ? "" : dir + "/") + facts.path_of(i));
    }
  }

  // False when the same distribution is there already: builds reach one wheel on several ways.
  bool add(const ActionSource& source, PlanWheel wheel) {
    const std::string name(wheel.facts.normalized());
    const auto [known, is_new] = by_name_.try_emplace(name, input_.wheels.size());
    if (!is_new) {
      const WheelFacts& first = input_.wheels[known->second].facts;
      if (same(first, wheel.facts)) return false;
      throw Error(ErrorCode::conflict, Place{source.path},
                  "is " + name + " " + std::string(wheel.facts.version()) + ", and " +
                      assembly_.origins[known->second] + " is " + name + " " + std::string(first.version()),
                  "one environment has one of them");
    }
    check_target(source, wheel.facts);
    input_.wheels.push_back(std::move(wheel));
    assembly_.origins.push_back(source.path);
    return true;
  }

  // A wheel and the tree that was made from it have the same files where packages lie; elsewhere a tree also
  // has what was generated.
  static bool same(const WheelFacts& a, const WheelFacts& b) {
    const auto packages = [](const WheelFacts& facts) {
      std::set<std::pair<std::string, Sha256>> files;
      for (std::uint32_t i = 0; i < facts.files().size(); ++i) {
        const FileFact& file = facts.file(i);
        if (is_lib(facts.scheme_of(file))) files.emplace(facts.path_of(i), file.sha256);
      }
      return files;
    };
    return a.version() == b.version() && packages(a) == packages(b);
  }

  // Whoever names a platform gets what runs there.
  void check_target(const ActionSource& source, const WheelFacts& facts) {
    if (source.kind != Kind::wheel || request_.platform.empty()) return;
    if (!tags_) tags_.emplace(TagSet(compatible_tags(tag_target(input_.interpreter))));
    const std::vector<std::string> names{std::string(facts.file_name())};
    if (select_wheel(names, *tags_)) return;
    throw Error(ErrorCode::no_match, Place{source.path},
                "is not for Python " + input_.interpreter.version + " on " + request_.platform,
                "take another wheel of it, or leave out --platform");
  }

  Assembly finish() {
    assembly_.plan = make_plan(input_);
    require_no_conflicts(assembly_.plan);
    for (const Diagnostic& note : assembly_.plan.notes) {
      if (note.kind != "conflict-decided" || request_.collisions_warned) assembly_.notes.push_back(note);
    }
    std::sort(assembly_.read.begin(), assembly_.read.end());
    assembly_.read.erase(std::unique(assembly_.read.begin(), assembly_.read.end()), assembly_.read.end());
    return std::move(assembly_);
  }

  const ActionRequest& request_;
  const ActionContext& context_;
  PlanInput input_;
  Assembly assembly_;
  std::vector<WheelSource> wheel_sources_;
  std::vector<UnpackJob> jobs_;
  std::map<std::string, std::size_t> by_name_;
  std::optional<TagSet> tags_;
};

}  // namespace

PlanInput make_plan_input(const ActionRequest& request, const ActionContext& context,
                          const std::string& root) {
  PlanInput input;
  input.interpreter = interpreter_of(request, context);
  const Interpreter& interpreter = input.interpreter;
  input.layout = request.layout == LayoutKind::venv     ? venv_layout(interpreter, root)
                 : request.layout == LayoutKind::prefix ? prefix_layout(interpreter, root)
                                                        : target_layout(interpreter, root);
  input.policy = request.policy;
  const bool knows_interpreter = !request.python.empty() || !request.target_python.empty();
  if (!request.shebang.empty()) {
    input.script_interpreter = request.shebang;
    input.policy.relocatable = Relocatable::no;
  } else if (request.layout != LayoutKind::venv && knows_interpreter) {
    input.script_interpreter = interpreter.executable;
    input.policy.relocatable = Relocatable::no;
  } else {
    input.script_interpreter = input.layout.os == Os::windows
                                   ? windows_environment_python(input.layout)
                                   : absolute_path(input.layout, input.layout.scripts) + "/python";
  }
  if (request.operation != Operation::venv && request.operation != Operation::layer) return input;
  using Where = ActionRequest::Interpreter;
  // In an image the interpreter has a usual place.
  const bool known = knows_interpreter || request.operation == Operation::layer;
  const bool links = known && request.interpreter != Where::none;
  if (request.interpreter == Where::link && !links) {
    throw Error(ErrorCode::usage, "--interpreter link needs to know where the interpreter is",
                "--target-python PATH, or --python FILE with its facts");
  }
  input.venv = VenvSpec{request.prompt,
                        request.system_site_packages,
                        links ? VenvInterpreter::linked : VenvInterpreter::at_run_time,
                        {}};
  return input;
}

std::string relative_path(const std::string& from, const std::string& to) {
  const std::vector<std::string_view> a = lexical_components(from);
  const std::vector<std::string_view> b = lexical_components(to);
  std::size_t common = 0;
  while (common < a.size() && common < b.size() && a[common] == b[common]) ++common;
  const bool unknown = std::find(a.begin() + static_cast<std::ptrdiff_t>(common), a.end(), "..") != a.end();
  if (from.starts_with('/') != to.starts_with('/') || unknown) {
    throw Error(ErrorCode::usage, Place{to}, "cannot be reached by a relative link from " + quoted(from),
                "give both relative to the working directory, or both absolute");
  }
  std::string path;
  for (std::size_t i = common; i < a.size(); ++i) path += path.empty() ? ".." : "/..";
  for (std::size_t i = common; i < b.size(); ++i) {
    if (!path.empty()) path += '/';
    path += b[i];
  }
  return path.empty() ? "." : path;
}

std::vector<Entry> entries_to_lay(const Assembly& assembly, const ActionRequest& request) {
  std::vector<Entry> entries = assembly.plan.entries;
  for (Entry& entry : entries) {
    if (entry.lay != Lay::link) continue;
    entry.lay = Lay::file;
    const auto* tree = std::get_if<StoreTree>(&entry.content);
    const DistId id = tree != nullptr ? tree->wheel : std::get<StoreFile>(entry.content).wheel;
    if (assembly.trees[id].use == DistTree::Use::take) continue;  // it is nowhere else
    const std::string at = request.into + "/" + entry.path.str();
    Entry as_link = entry;
    as_link.lay = Lay::link;
    entry.content = Symlink{
        relative_path(at.substr(0, at.rfind('/')), link_target(assembly.plan, as_link, assembly.trees))};
  }
  return entries;
}

Assembly assemble(const ActionRequest& request, const ActionContext& context, Outputs& outputs) {
  return Assembler(request, context).run(outputs);
}

Assembly scan(const ActionRequest& request, const ActionContext& context) {
  return Assembler(request, context).scan();
}

}  // namespace axle
