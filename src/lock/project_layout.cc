// Problem. A project installed in place is a line of a .pth file, but only if its modules lie in a directory
// as they will be imported, and if nothing is compiled or generated. Only the build backend knows; running it
// needs Python and an environment of its own.
//
// Each backend that is known here is a row: its module, the table of its settings, and a function that reads
// the settings which move modules. Settings that change what a wheel contains, but not where modules are, are
// listed as harmless. Every other key is refused by its name: it may be a hook, an extension module or a
// renaming, and a project that silently lacks half of it is worse than none. So are backends without a row.

#include "lock/project_layout.h"

#include <algorithm>
#include <initializer_list>
#include <string_view>

#include "axle/base/error.h"
#include "axle/pep/name.h"
#include "base/text.h"
#include "lock/pyproject.h"

namespace axle::lockfile {

void refuse_project(const Draft& draft, const LockPlace& where, const std::string& why) {
  draft.fail(ErrorCode::unsupported, where, "the project cannot be installed in place: " + why,
             "build a wheel of it, and name its directory with --find-links");
}

namespace {

class Layout {
 public:
  Layout(const Draft& draft, const TomlReader& toml, const toml::table& top, const std::string& name,
         const ProjectContext& context)
      : draft_(draft), toml_(toml), top_(top), context_(context), import_name_(normalize_name(name)) {
    std::replace(import_name_.begin(), import_name_.end(), '-', '_');
  }

  std::vector<std::string> find();

 private:
  using Read = void (Layout::*)();
  struct Backend {
    std::string_view module;
    Read read;
  };
  static const Backend backends[];

  bool there(const std::string& path, PathKind kind) const {
    return context_.look(join_path(context_.directory, path)) == kind;
  }

  // Refuses every key that is not one of these.
  void only(const toml::table& table, std::string_view title,
            std::initializer_list<std::string_view> known) const {
    for (const auto& [key, node] : table) {
      if (std::find(known.begin(), known.end(), key.str()) != known.end()) continue;
      refuse_project(draft_, toml_.place(node),
                     "its build may depend on " + quoted(std::string(title) + "." + std::string(key.str())));
    }
  }

  const toml::table* settings(std::initializer_list<std::string_view> keys) const {
    return find_table(top_, keys);
  }

  // "./src/" is "src".
  void add(std::string_view path, const toml::node& node) {
    std::string clean;
    for (const std::string_view part : split(path, '/')) {
      if (part.empty() || part == ".") continue;
      if (part == "..") refuse_project(draft_, toml_.place(node), "its modules lie outside of it");
      clean += (clean.empty() ? "" : "/") + std::string(part);
    }
    if (path.starts_with('/')) refuse_project(draft_, toml_.place(node), "its modules lie outside of it");
    found_.push_back(std::move(clean));
  }

  // "src/name": what is above the package.
  void add_above(std::string_view package, const toml::node& node) {
    const std::size_t slash = package.rfind('/');
    add(slash == std::string_view::npos ? "" : package.substr(0, slash), node);
  }

  // The module's own name under src/ or beside pyproject.toml; a dash may stand for a namespace package.
  void guess() {
    std::string nested = import_name_;
    std::replace(nested.begin(), nested.end(), '_', '/');
    for (const std::string root : {"src", ""}) {
      for (const std::string& name : {import_name_, nested}) {
        const std::string path = join_path(root, name);
        if (there(path, PathKind::directory) || there(path + ".py", PathKind::file)) {
          found_.push_back(root);
          return;
        }
      }
    }
  }

  void read_setuptools();
  void read_hatchling();
  void read_flit();
  void read_pdm();
  void read_uv();
  void read_poetry();

  const Draft& draft_;
  const TomlReader& toml_;
  const toml::table& top_;
  const ProjectContext& context_;
  std::string import_name_;
  std::vector<std::string> found_;
};

const Layout::Backend Layout::backends[] = {
    {"setuptools.build_meta", &Layout::read_setuptools},
    {"hatchling.build", &Layout::read_hatchling},
    {"flit_core.buildapi", &Layout::read_flit},
    {"pdm.backend", &Layout::read_pdm},
    {"uv_build", &Layout::read_uv},
    {"poetry.core.masonry.api", &Layout::read_poetry},
};

void Layout::read_setuptools() {
  const LockPlace file{0, 0, 0};
  if (there("setup.py", PathKind::file)) refuse_project(draft_, file, "its setup.py may do anything");
  if (const auto text = context_.read_file(join_path(context_.directory, "setup.cfg"));
      text && (text->find("[options") != std::string::npos || text->find("[metadata") != std::string::npos)) {
    refuse_project(draft_, file, "its setup.cfg has settings of the build");
  }
  const toml::table* table = settings({"tool", "setuptools"});
  if (!table) {
    // spec: setuptools, "Automatic discovery": src-layout before flat-layout.
    if (there("src", PathKind::directory)) found_.push_back("src");
    return;
  }
  only(*table, "tool.setuptools",
       {"packages", "package-dir", "package-data", "exclude-package-data", "include-package-data", "zip-safe",
        "py-modules", "license-files", "platforms"});
  if (const toml::table* dirs = toml_.table(*table, "package-dir")) {
    only(*dirs, "tool.setuptools.package-dir", {""});
    if (const std::string* root = toml_.string(*dirs, "")) add(*root, *dirs);
  }
  if (const toml::table* find = find_table(*table, {"packages", "find"})) {
    only(*find, "tool.setuptools.packages.find", {"where", "include", "exclude", "namespaces"});
    if (const toml::array* where = toml_.array(*find, "where")) {
      for (const toml::node& node : *where) add(toml_.as_string(node, "where"), node);
      return;
    }
  }
  if (found_.empty() && (table->contains("packages") || table->contains("py-modules"))) found_.push_back("");
  if (found_.empty() && there("src", PathKind::directory)) found_.push_back("src");
}

void Layout::read_hatchling() {
  if (const toml::table* hooks = settings({"tool", "hatch", "metadata", "hooks"}))
    refuse_project(draft_, toml_.place(*hooks), "its metadata is computed by a hook");
  const toml::table* build = settings({"tool", "hatch", "build"});
  if (!build) return;
  only(*build, "tool.hatch.build",
       {"targets", "dev-mode-dirs", "include", "exclude", "artifacts", "packages", "only-packages",
        "ignore-vcs", "skip-excluded-dirs", "reproducible", "directory"});
  const toml::table* wheel = find_table(*build, {"targets", "wheel"});
  if (wheel)
    only(*wheel, "tool.hatch.build.targets.wheel",
         {"packages", "include", "exclude", "artifacts", "only-packages", "only-include", "bypass-selection",
          "macos-max-compat"});
  if (const toml::array* dirs = toml_.array(*build, "dev-mode-dirs")) {
    for (const toml::node& node : *dirs) add(toml_.as_string(node, "dev-mode-dirs"), node);
    return;
  }
  for (const toml::table* table : {wheel, build}) {
    const toml::array* packages = table ? toml_.array(*table, "packages") : nullptr;
    if (!packages) continue;
    for (const toml::node& node : *packages) add_above(toml_.as_string(node, "packages"), node);
    return;
  }
}

void Layout::read_flit() {
  const toml::table* table = settings({"tool", "flit"});
  if (!table) return;
  only(*table, "tool.flit", {"module", "sdist"});
  if (const toml::table* module = toml_.table(*table, "module")) {
    if (const std::string* name = toml_.string(*module, "name")) {
      import_name_ = *name;
      std::replace(import_name_.begin(), import_name_.end(), '.', '/');
    }
  }
}

void Layout::read_pdm() {
  const toml::table* table = settings({"tool", "pdm", "build"});
  if (!table) {
    if (there("src", PathKind::directory)) found_.push_back("src");
    return;
  }
  only(*table, "tool.pdm.build", {"includes", "excludes", "source-includes", "package-dir"});
  if (const std::string* root = toml_.string(*table, "package-dir")) {
    add(*root, *table);
  } else if (there("src", PathKind::directory)) {
    found_.push_back("src");
  }
}

void Layout::read_uv() {
  const toml::table* table = settings({"tool", "uv", "build-backend"});
  if (table) {
    only(*table, "tool.uv.build-backend",
         {"module-root", "module-name", "source-include", "source-exclude", "default-excludes",
          "wheel-exclude", "namespace"});
  }
  const std::string* root = table ? toml_.string(*table, "module-root") : nullptr;
  if (root) {
    add(*root, *table);
  } else {
    found_.push_back("src");
  }
}

void Layout::read_poetry() {
  const toml::table* table = settings({"tool", "poetry"});
  if (!table) return;
  for (const char* key : {"build", "scripts", "plugins"}) {
    if (const toml::node* node = table->get(key)) {
      refuse_project(draft_, toml_.place(*node),
                     "it has tool.poetry." + std::string(key) + ", which [project] cannot say");
    }
  }
  const toml::array* packages = toml_.array(*table, "packages");
  if (!packages) return;
  for (const toml::node& node : *packages) {
    const toml::table& package = toml_.as_table(node, "packages");
    only(package, "tool.poetry.packages", {"include", "from", "format"});
    const std::string* from = toml_.string(package, "from");
    add(from ? std::string_view(*from) : std::string_view(), node);
  }
}

std::vector<std::string> Layout::find() {
  std::string module = "setuptools.build_meta";  // spec: PEP 517, "Source trees"
  LockPlace where{0, 0, 0};
  if (const toml::table* system = settings({"build-system"})) {
    if (const std::string* named = toml_.string(*system, "build-backend")) {
      module = *named;
      where = toml_.place(*system->get("build-backend"));
    }
    if (const toml::node* path = system->get("backend-path"))
      refuse_project(draft_, toml_.place(*path), "it brings its own build backend");
  }
  const auto* backend = std::find_if(std::begin(backends), std::end(backends),
                                     [&](const Backend& known) { return known.module == module; });
  if (backend == std::end(backends)) {
    refuse_project(draft_, where, "its build backend " + quoted(module) + " may compile or generate files");
  }
  (this->*backend->read)();
  if (found_.empty()) guess();
  for (const std::string& directory : found_) {
    if (!directory.empty() && !there(directory, PathKind::directory))
      refuse_project(draft_, where, "its directory " + quoted(directory) + " does not exist");
  }
  if (found_.empty())
    refuse_project(draft_, where, "no module " + quoted(import_name_) + " is in it or in its src/");
  sort_unique(found_);
  return std::move(found_);
}

}  // namespace

std::vector<std::string> module_directories(const Draft& draft, const TomlReader& toml,
                                            const toml::table& top, const std::string& name,
                                            const ProjectContext& context) {
  return Layout(draft, toml, top, name, context).find();
}

}  // namespace axle::lockfile
