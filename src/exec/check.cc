// `axle check`: what is gathered from the disk, and in which order it is judged.

#include "exec/check.h"

#include <fcntl.h>

#include <algorithm>

#include "axle/base/error.h"
#include "axle/pep/name.h"
#include "base/file.h"
#include "base/text.h"
#include "exec/check_files.h"
#include "exec/check_native.h"
#include "exec/check_scripts.h"

namespace axle {
namespace {

// lib64 is lib in every comparison of paths of an environment: it is a link, or the same directory.
void fold_lib64(const Layout& layout, InstalledFile& row) {
  if (layout.kind != LayoutKind::venv || !row.path || !row.path->str().starts_with("lib64/")) return;
  if (layout.platlib && layout.platlib->str().starts_with("lib64/")) return;
  row.path = RelPath::try_parse("lib/" + row.path->str().substr(6));
}

// What is known of a distribution whose RECORD does not tell: its wheel's packages, and what the receipt says
// was laid for it.
std::vector<InstalledFile> rows_without_record(const State& state, DistId id) {
  const LaidDist& dist = state.dists[id];
  std::set<RelPath> paths;
  const auto site = dist.dist_info.parent();
  for (const FileFact& file : dist.facts.files()) {
    if (!is_lib(dist.facts.scheme_of(file))) continue;
    std::string path = site ? site->str() + "/" : std::string();
    dist.facts.append_path(path, file);
    if (auto parsed = RelPath::try_parse(path)) paths.insert(*std::move(parsed));
  }
  for (const LaidEntry& entry : state.entries) {
    if (entry.kind != LaidKind::file || std::count(entry.owners.begin(), entry.owners.end(), id) == 0)
      continue;
    if (entry.path.name() != "RECORD") paths.insert(entry.path);  // its absence is the finding
  }
  std::vector<InstalledFile> rows;
  for (const RelPath& path : paths) rows.push_back({path.str(), path, "", "", std::nullopt});
  return rows;
}

std::vector<DependencyNode> read_nodes(const Fd& root, const std::vector<RecordedDist>& dists,
                                       Diagnostics& problems) {
  std::vector<DependencyNode> nodes;
  for (const RecordedDist& dist : dists) {
    DependencyNode node{dist.name.normalized, dist.name.version, dist.name.dist_info.str(), std::nullopt};
    const std::string path = node.path + "/METADATA";
    try {
      if (const auto text = read_installed_metadata(root.get(), dist.name)) {
        node.metadata = parse_metadata(*text, path);
        node.version = node.metadata->version;
      } else {
        problems.push_back({Severity::warning, "metadata-missing", node.name, path,
                            "is not there, so its requirements are not known",
                            "install the distribution again"});
      }
    } catch (const Error& error) {
      if (error.code() != ErrorCode::bad_input && error.code() != ErrorCode::unsupported) throw;
      problems.push_back({Severity::warning, "metadata-invalid", node.name, path, error.message(),
                          "install another version of the distribution"});
    }
    nodes.push_back(std::move(node));
  }
  return nodes;
}

// What can be imported beside the distributions of this environment: eggs, whose version nobody compares, and
// what the base interpreter has when the environment sees that.
std::multimap<std::string, std::string> find_outside(const Interpreter& interpreter,
                                                     const Installation& installation) {
  std::multimap<std::string, std::string> outside;
  for (const Diagnostic& note : installation.notes) {
    if (note.kind.starts_with("legacy-")) outside.emplace(note.distribution, "");
  }
  if (!interpreter.system_site_packages || interpreter.foreign) return outside;
  Layout site;
  site.kind = LayoutKind::target;
  // Debian's own packages lie in a directory that no scheme names.
  for (const std::string& path : {interpreter.system.purelib, interpreter.system.platlib,
                                  interpreter.base_prefix + "/lib/python3/dist-packages"}) {
    const auto dir = try_open_dir(AT_FDCWD, path);
    if (!dir) continue;
    const Installed installed = read_installed(dir->get(), site);
    for (const InstalledDist& dist : installed.dists) outside.emplace(dist.normalized, dist.version);
    for (const Diagnostic& note : installed.notes) {
      if (note.kind.starts_with("legacy-")) outside.emplace(note.distribution, "");
    }
  }
  return outside;
}

void judge_hooks(const std::vector<StartupHook>& hooks, const CheckOptions& options, Diagnostics& problems) {
  for (const StartupHook& hook : hooks) {
    if (options.hooks_allowed || options.allowed_hooks.contains(hook.distribution)) continue;
    std::string message = "runs at every start of Python: " + quoted(hook.code.front());
    if (hook.code.size() > 1) message += " and more lines: " + std::to_string(hook.code.size() - 1);
    if (!hook.known_as.empty()) message += " (" + hook.known_as + ")";
    problems.push_back(
        {Severity::warning, "startup-hook", hook.distribution, hook.path.str(), std::move(message),
         hook.distribution.empty() ? "" : "--allow-hook " + hook.distribution + " accepts it"});
  }
}

// What read_installed() found, in the words of check.
void add_notes(const Installation& installation, Diagnostics& problems) {
  for (Diagnostic note : installation.notes) {
    if (note.kind.starts_with("record-") || note.severity == Severity::note)
      continue;  // judged from the rows here
    if (note.kind == "duplicate-distribution") note.severity = Severity::error;
    problems.push_back(std::move(note));
  }
}

void append(Diagnostics& all, Diagnostics more) {
  all.insert(all.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

// Who wins a shared path explains why the other's digest does not hold.
void drop_explained(Diagnostics& problems, const Diagnostics& shared) {
  std::set<std::string> paths;
  for (const Diagnostic& one : shared) paths.insert(one.path);
  std::erase_if(problems, [&](const Diagnostic& one) {
    return one.kind == "file-changed" && paths.contains(one.path);
  });
}

}  // namespace

std::vector<RecordedDist> read_records(const Fd& root, const Layout& layout, const Installation& installation,
                                       Diagnostics& problems) {
  std::vector<RecordedDist> dists;
  for (const LaidDist& laid : installation.state.dists) {
    RecordedDist dist{{laid.name, std::string(laid.facts.name()), laid.version, laid.dist_info}, &laid, {}};
    const std::string path = laid.dist_info.str() + "/RECORD";
    std::string fault = "is not there, so nobody knows what belongs to " + laid.name;
    bool readable = false;
    try {
      if (auto rows = read_installed_record(root.get(), layout, dist.name)) {
        dist.rows = *std::move(rows);
        readable = true;
      }
    } catch (const Error& error) {
      if (error.code() != ErrorCode::bad_input) throw;
      fault = "cannot be read: " + error.message();
    }
    if (!readable) {
      dist.rows = rows_without_record(installation.state,
                                      static_cast<DistId>(&laid - installation.state.dists.data()));
      problems.push_back({laid.ours ? Severity::error : Severity::warning,
                          laid.ours ? "file-missing" : "record-missing", laid.name, path, std::move(fault),
                          laid.ours ? "axle sync --repair puts it back" : "install the distribution again"});
    }
    for (InstalledFile& row : dist.rows) {
      fold_lib64(layout, row);
      if (row.path) continue;
      problems.push_back({Severity::warning, "record-outside", laid.name, row.recorded,
                          "RECORD names a path outside of the environment; it is not looked at", ""});
    }
    dists.push_back(std::move(dist));
  }
  return dists;
}

Recorded index_records(const std::vector<RecordedDist>& dists) {
  Recorded recorded;
  for (std::size_t i = 0; i < dists.size(); ++i) {
    for (const InstalledFile& row : dists[i].rows) {
      if (row.path) recorded.emplace(row.path->str(), i);
    }
  }
  return recorded;
}

CheckReport check_environment(const Fd& root, const Layout& layout, const Interpreter& interpreter,
                              const Installation& installation, const CheckOptions& options) {
  CheckReport report;
  Diagnostics of_records;
  const std::vector<RecordedDist> dists = read_records(root, layout, installation, of_records);
  const Recorded recorded = index_records(dists);
  report.distributions = dists.size();

  Diagnostics of_metadata;
  const std::vector<DependencyNode> nodes = read_nodes(root, dists, of_metadata);
  DependencyReport dependencies = check_dependencies(nodes, find_outside(interpreter, installation),
                                                     marker_environment(interpreter), interpreter.version);
  FilesReport files = check_files(root, dists, options);
  report.files = files.files;
  report.libraries = files.objects.size();

  append(report.problems,
         check_native(root, layout, interpreter, {files.objects, dists, dependencies.edges}));
  if (options.scope == CheckScope::all) {
    append(report.problems, std::move(of_records));
    append(report.problems, std::move(of_metadata));
    report.requirements = dependencies.requirements;
    append(report.problems, std::move(dependencies.problems));
    Diagnostics shared = check_shared_paths(dists);
    drop_explained(files.problems, shared);
    append(report.problems, std::move(shared));
    append(report.problems, std::move(files.problems));
    add_notes(installation, report.problems);
    ScriptsReport scripts = check_scripts(root, layout, interpreter, dists, recorded, options);
    report.scripts = scripts.scripts;
    append(report.problems, std::move(scripts.problems));
    judge_hooks(read_startup_hooks(root, layout, interpreter, dists, recorded), options, report.problems);
    append(report.problems, check_unrecorded(root, layout, installation.state, recorded));
  }
  std::stable_sort(
      report.problems.begin(), report.problems.end(), [](const Diagnostic& a, const Diagnostic& b) {
        if (a.severity != b.severity) return a.severity > b.severity;
        return std::tie(a.kind, a.distribution, a.path) < std::tie(b.kind, b.distribution, b.path);
      });
  return report;
}

}  // namespace axle
