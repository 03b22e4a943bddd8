// What lies in an environment and stands in no RECORD.

#include <dirent.h>

#include <algorithm>

#include "base/file.h"
#include "exec/check_files.h"
#include "plan/venv_skeleton.h"

namespace axle {
namespace {

// What virtualenv and uv lay beside the packages of every environment that they make.
bool is_virtualenv_file(std::string_view name) {
  return name == "_virtualenv.py" || name == "_virtualenv.pth";
}

// Told by another finding already, each with all that is in it.
bool is_legacy(std::string_view name) {
  return name.starts_with('~') || name.ends_with(".egg-info") || name.ends_with(".egg") ||
         name.ends_with(".egg-link");
}

class Walk {
 public:
  Walk(const Fd& root, const Recorded& recorded) : root_(root), recorded_(recorded) {}

  void site_packages(const std::string& path) {
    const auto dir = try_open_dir(root_.get(), path.empty() ? "." : path);
    if (!dir) return;
    for (const DirEntry& entry : list_dir(dir->get(), ".")) {
      if (is_virtualenv_file(entry.name) || is_legacy(entry.name)) continue;
      if (path.empty() && (entry.name == ".axle" || entry.name == "pyvenv.cfg")) continue;
      visit(path, entry, 0);
    }
  }

  void scripts(const std::string& path) {
    const auto dir = try_open_dir(root_.get(), path);
    if (!dir) return;
    for (const DirEntry& entry : list_dir(dir->get(), ".")) {
      if (!is_environment_script(entry.name) && entry.name != "pydoc.bat") visit(path, entry, 0);
    }
  }

  Diagnostics problems;

 private:
  static constexpr int max_depth = 100;

  void visit(const std::string& parent, const DirEntry& entry, int depth) {
    const std::string path = parent.empty() ? entry.name : parent + "/" + entry.name;
    if (recorded_.contains(path)) return;
    if (entry.type == DT_DIR && depth < max_depth) {
      const auto dir = try_open_dir(root_.get(), path);
      if (!dir) return;
      for (const DirEntry& below : list_dir(dir->get(), ".")) {
        if (entry.name != "__pycache__" || !is_byte_code_of_module(parent, below.name))
          visit(path, below, depth + 1);
      }
      return;
    }
    if ((entry.type == DT_LNK || entry.type == DT_DIR) && holds_recorded(path)) return;
    problems.push_back({Severity::warning, "unrecorded-file", "", path, "belongs to no distribution",
                        "remove it if you do not need it"});
  }

  // "m.cpython-311.pyc" beside which, one directory up, is m.py: recorded, or told by itself.
  bool is_byte_code_of_module(const std::string& package, const std::string& name) const {
    if (name.find(".pyc") == std::string::npos) return false;
    const std::string module = package + "/" + name.substr(0, name.find('.')) + ".py";
    return recorded_.contains(module) || try_lstat(root_.get(), module);
  }

  bool holds_recorded(const std::string& directory) const {
    const auto below = recorded_.lower_bound(directory + "/");
    return below != recorded_.end() && below->first.starts_with(directory + "/");
  }

  const Fd& root_;
  const Recorded& recorded_;
};

}  // namespace

Diagnostics check_unrecorded(const Fd& root, const Layout& layout, const State& state,
                             const Recorded& recorded) {
  Recorded known = recorded;
  for (const LaidEntry& entry : state.entries) {
    const bool skeleton = std::all_of(entry.owners.begin(), entry.owners.end(),
                                      [](DistId owner) { return owner == environment_itself; });
    if (skeleton && entry.kind != LaidKind::directory && entry.kind != LaidKind::tree) {
      known.emplace(entry.path.str(), environment_itself);
    }
  }
  Walk walk(root, known);
  const auto text = [](const std::optional<RelPath>& path) { return path ? path->str() : std::string(); };
  walk.site_packages(text(layout.purelib));
  if (layout.platlib != layout.purelib) walk.site_packages(text(layout.platlib));
  // Elsewhere the programs of others lie beside ours, and a target's are below its site-packages.
  if (layout.kind == LayoutKind::venv && layout.scripts) walk.scripts(layout.scripts->str());
  return std::move(walk.problems);
}

}  // namespace axle
