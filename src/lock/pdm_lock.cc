// pdm.lock, lock_version 4. With the strategy inherit_metadata every package says its groups and its marker;
// without it pdm resolves from pyproject.toml over what is locked, and so does the walk in select.

#include <algorithm>
#include <map>
#include <set>

#include "axle/pep/name.h"
#include "axle/pep/version.h"
#include "base/text.h"
#include "lock/draft.h"
#include "lock/pyproject.h"
#include "lock/readers.h"
#include "lock/toml.h"

namespace axle::lockfile {
namespace {

class PdmReader {
 public:
  PdmReader(std::string_view text, const LockContext& context)
      : draft_(LockFormat::pdm, text, context), toml_(draft_, 0), text_(text) {}

  Lock read() {
    const toml::table top = toml_.parse(text_);
    const toml::table* metadata = toml_.table(top, "metadata");
    if (!metadata) draft_.fail({0, 1, 1}, "[metadata] is missing: this is no pdm.lock");
    check_version(*metadata);
    Lock& lock = draft_.lock;
    lock.base_group = "default";
    bool inherits = false;
    if (const toml::array* strategy = toml_.array(*metadata, "strategy")) {
      for (const toml::node& node : *strategy) {
        inherits = inherits || toml_.as_string(node, "strategy") == "inherit_metadata";
      }
    }
    lock.activation = inherits ? Activation::each : Activation::walk;
    if (const toml::array* groups = toml_.array(*metadata, "groups")) {
      for (const toml::node& node : *groups) {
        lock.groups.push_back(draft_.name(toml_.as_string(node, "groups"), toml_.place(node)));
      }
    }
    read_targets(*metadata);
    metadata_files_ = toml_.table(*metadata, "files");
    if (const toml::array* packages = toml_.array(top, "package")) {
      lock.packages.reserve(packages->size());
      for (const toml::node& node : *packages) read_package(toml_.as_table(node, "package"));
    }
    read_project(*metadata);
    sort_unique(lock.groups);
    std::erase(lock.groups, lock.base_group);
    sort_unique(lock.extras);
    sort_unique(lock.default_groups);
    return std::move(draft_.lock);
  }

 private:
  void check_version(const toml::table& metadata) {
    const std::string* text = toml_.string(metadata, "lock_version");
    if (!text) toml_.fail(metadata, "\"lock_version\" is missing: this is no pdm.lock");
    const LockPlace where = toml_.place(*metadata.get("lock_version"));
    const auto version = Version::try_parse(*text);
    if (!version) draft_.fail(where, "lock_version " + quoted(*text) + " is no version");
    if (version->release_at(0) != Natural(4)) {
      draft_.fail(ErrorCode::unsupported, where, "lock_version " + *text + " of pdm.lock is unknown",
                  "axle reads lock_version 4.x");
    }
  }

  void read_targets(const toml::table& metadata) {
    const toml::array* targets = toml_.array(metadata, "targets");
    if (!targets) return;
    for (const toml::node& node : *targets) {
      const toml::table& table = toml_.as_table(node, "targets");
      LockTarget target;
      target.place = toml_.place(node);
      if (const auto* range = toml_.string(table, "requires_python")) {
        target.requires_python = draft_.range(*range, target.place);
      }
      if (const auto* platform = toml_.string(table, "platform")) target.platform = *platform;
      if (const auto* name = toml_.string(table, "implementation")) target.implementation = *name;
      draft_.lock.targets.push_back(std::move(target));
    }
  }

  FileRef read_file(const toml::node& node, const PackageSource& source) {
    const toml::table& table = toml_.as_table(node, "files");
    const LockPlace where = toml_.place(node);
    FileRef file;
    if (const auto* url = toml_.string(table, "url")) {
      file = draft_.file_at_url(*url, where);
    } else {
      file = draft_.file_named(toml_.need_string(table, "file"), where);
      if (source.kind == SourceKind::archive) file.url = source.location;
      if (source.kind == SourceKind::file) file.path = source.location;
    }
    if (const auto* hash = toml_.string(table, "hash")) file.hashes.push_back(draft_.hash(*hash, where));
    return file;
  }

  void read_source(const toml::table& table, LockPackage& package) {
    PackageSource& source = package.source;
    if (const auto* below = toml_.string(table, "subdirectory")) source.subdirectory = *below;
    if (const auto* git = toml_.string(table, "git")) {
      source.kind = SourceKind::vcs;
      source.vcs = "git";
      source.location = *git;
      if (const auto* revision = toml_.string(table, "revision")) source.revision = *revision;
      if (const auto* ref = toml_.string(table, "ref")) source.requested = *ref;
    } else if (const auto* url = toml_.string(table, "url")) {
      source.kind = SourceKind::archive;
      source.location = *url;
    } else if (const auto* path = toml_.string(table, "path")) {
      source.location = draft_.beside(*path);
      source.kind = toml_.flag(table, "editable")                  ? SourceKind::editable
                    : is_wheel_name(*path) || is_sdist_name(*path) ? SourceKind::file
                                                                   : SourceKind::directory;
    }
  }

  void read_package(const toml::table& table) {
    LockPackage package;
    package.place = toml_.place(table);
    const std::string& raw_name = toml_.need_string(table, "name");
    package.name = draft_.name(raw_name, package.place);
    if (const auto* version = toml_.string(table, "version")) package.version = *version;
    read_source(table, package);
    if (const auto* marker = toml_.string(table, "marker")) {
      package.marker = draft_.marker(*marker, toml_.place(*table.get("marker")));
    }
    if (const toml::array* groups = toml_.array(table, "groups")) {
      for (const toml::node& node : *groups) {
        package.groups.push_back(
            {draft_.name(toml_.as_string(node, "groups"), toml_.place(node)), no_marker});
        draft_.lock.groups.push_back(package.groups.back().group);
      }
    } else if (draft_.lock.activation == Activation::each) {
      toml_.fail(table, "\"groups\" is missing although the strategy is inherit_metadata");
    }
    const toml::array* files = toml_.array(table, "files");
    if (!files && metadata_files_) files = toml_.array(*metadata_files_, raw_name + " " + package.version);
    if (files) {
      package.wheels.reserve(files->size());
      for (const toml::node& node : *files) add_file(package, read_file(node, package.source));
    }
    if (draft_.lock.activation == Activation::walk) {
      if (const auto* range = toml_.string(table, "requires_python")) {
        package.requires_python = draft_.range(*range, toml_.place(*table.get("requires_python")));
      }
      read_edges(table, package);
    } else {
      draft_.lock.packages.push_back(std::move(package));
    }
  }

  // "httpx[http2]" is an entry of its own, beside "httpx"; for the walk both are one package. The entry's
  // list of extras is the name under which its edges are found (see requirement_with_extras).
  void read_edges(const toml::table& table, LockPackage& package) {
    std::vector<LockEdge> edges;
    if (const toml::array* dependencies = toml_.array(table, "dependencies")) {
      for (const toml::node& node : *dependencies) {
        edges.push_back(requirement_with_extras({toml_.as_string(node, "dependencies"), toml_.place(node)}));
      }
    }
    std::vector<std::string> extras;
    if (const toml::array* names = toml_.array(table, "extras")) {
      for (const toml::node& node : *names) extras.push_back(normalize_name(toml_.as_string(node, "extras")));
    }
    const std::string key = package.name + " " + package.version + " " + package.source.location;
    const auto [known, is_new] = by_version_.emplace(key, draft_.lock.packages.size());
    if (is_new) draft_.lock.packages.push_back(std::move(package));
    LockPackage& merged = draft_.lock.packages[known->second];
    if (extras.empty()) {
      merged.dependencies = std::move(edges);
    } else {
      merged.extra_dependencies.push_back({joined(extras), std::move(edges)});
    }
  }

  static std::string joined(std::vector<std::string> names) {
    sort_unique(names);
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : ",") + name;
    return text;
  }

  LockEdge requirement_with_extras(const Declared& declared) {
    LockEdge edge = requirement_edge(draft_, declared);
    if (edge.extras.size() > 1) edge.extras = {joined(edge.extras)};
    return edge;
  }

  // Groups and extras share one name space in the lock; pyproject.toml tells them apart. Without it every
  // name may be asked for as either, and only "default" is on.
  void read_project(const toml::table& metadata) {
    Lock& lock = draft_.lock;
    const auto pyproject = read_pyproject(draft_);
    if (!pyproject) {
      if (lock.activation == Activation::walk) {
        draft_.fail(
            ErrorCode::unsupported, toml_.place(metadata),
            "the lock does not say what belongs to which group, and there is no pyproject.toml beside it",
            "put the project's pyproject.toml beside it, or write the lock anew with "
            "`pdm lock --strategy inherit_metadata`");
      }
      for (const std::string& group : lock.groups) {
        if (group != lock.base_group) lock.extras.push_back(group);
      }
      return;
    }
    std::vector<DeclaredPart> extras = project_extras(draft_, *pyproject);
    std::vector<DeclaredPart> groups = project_groups(draft_, *pyproject);
    add_old_groups(*pyproject, groups);
    const auto locked = [&](const DeclaredPart& part) {
      return lock.activation == Activation::walk || lock.groups.empty() ||
             std::find(lock.groups.begin(), lock.groups.end(), part.name) != lock.groups.end();
    };
    for (const DeclaredPart& part : extras) {
      if (locked(part)) lock.extras.push_back(part.name);
    }
    for (const DeclaredPart& part : groups) {
      if (locked(part)) lock.default_groups.push_back(part.name);
    }
    LockPackage project = project_package(draft_, *pyproject, use_of(*pyproject));
    if (lock.activation == Activation::walk) {
      for (const Declared& one : project_dependencies(draft_, *pyproject)) {
        project.dependencies.push_back(requirement_with_extras(one));
      }
      project.extra_dependencies = edges_of(extras);
      project.group_dependencies = edges_of(groups);
      lock.roots.push_back(lock.packages.size());
    }
    lock.packages.push_back(std::move(project));
    if (lock.activation == Activation::walk) apply_resolution(*pyproject);
    // What pyproject.toml calls an extra is no group.
    for (const std::string& extra : lock.extras) std::erase(lock.groups, extra);
    for (const std::string& group : lock.default_groups) lock.groups.push_back(group);
  }

  // [tool.pdm.resolution]: pdm locked what `overrides` say, whatever the edges ask for, and nothing of what
  // `excludes` name; the edges stand in the lock as the packages have them.
  void apply_resolution(const Pyproject& pyproject) {
    const toml::table* table = find_table(pyproject.table, {"tool", "pdm", "resolution"});
    if (!table) return;
    const TomlReader toml(draft_, pyproject.file);
    std::set<std::string> overridden;
    std::set<std::string> excluded;
    if (const toml::table* overrides = toml.table(*table, "overrides")) {
      for (const auto& [key, node] : *overrides) overridden.insert(draft_.name(key.str(), toml.place(node)));
    }
    if (const toml::array* excludes = toml.array(*table, "excludes")) {
      for (const toml::node& node : *excludes)
        excluded.insert(draft_.name(toml.as_string(node, "excludes"), toml.place(node)));
    }
    const auto apply = [&](std::vector<LockEdge>& edges) {
      std::erase_if(edges, [&](const LockEdge& edge) { return excluded.contains(edge.name); });
      for (LockEdge& edge : edges) {
        if (!overridden.contains(edge.name)) continue;
        edge.version.clear();
        edge.source.clear();
        edge.range = {};
      }
    };
    for (LockPackage& package : draft_.lock.packages) {
      apply(package.dependencies);
      for (NamedEdges& part : package.extra_dependencies) apply(part.edges);
      for (NamedEdges& part : package.group_dependencies) apply(part.edges);
    }
  }

  // tool.pdm.distribution, before it tool.pdm.package-type; a project is installed when neither is there.
  ProjectUse use_of(const Pyproject& pyproject) const {
    const toml::table* pdm = find_table(pyproject.table, {"tool", "pdm"});
    if (!pdm) return ProjectUse::installed;
    const TomlReader toml(draft_, pyproject.file);
    const auto* type = toml.string(*pdm, "package-type");
    const bool installed = type                            ? *type == "library"
                           : pdm->contains("distribution") ? toml.flag(*pdm, "distribution")
                                                           : true;
    return installed ? ProjectUse::installed : ProjectUse::dependencies_only;
  }

  std::vector<NamedEdges> edges_of(const std::vector<DeclaredPart>& parts) {
    std::vector<NamedEdges> result;
    for (const DeclaredPart& part : parts) {
      NamedEdges edges{part.name, {}};
      for (const Declared& one : part.dependencies) edges.edges.push_back(requirement_with_extras(one));
      result.push_back(std::move(edges));
    }
    return result;
  }

  // [tool.pdm.dev-dependencies]: the way before PEP 735. Editable entries ("-e ...") are no requirements.
  void add_old_groups(const Pyproject& pyproject, std::vector<DeclaredPart>& groups) {
    const toml::table* table = find_table(pyproject.table, {"tool", "pdm", "dev-dependencies"});
    if (!table) return;
    const TomlReader toml(draft_, pyproject.file);
    for (const auto& [key, node] : *table) {
      const toml::array* array = node.as_array();
      if (!array) toml.fail(node, "a group must be an array of requirements");
      DeclaredPart part{draft_.name(key.str(), toml.place(node)), {}};
      for (const toml::node& item : *array) {
        const std::string& text = toml.as_string(item, "dev-dependencies");
        if (!text.starts_with('-')) part.dependencies.push_back({text, toml.place(item)});
      }
      groups.push_back(std::move(part));
    }
  }

  Draft draft_;
  TomlReader toml_;
  std::string_view text_;
  const toml::table* metadata_files_ = nullptr;
  std::map<std::string, std::size_t> by_version_;
};

}  // namespace

Lock read_pdm_lock(std::string_view text, const LockContext& context) {
  return PdmReader(text, context).read();
}

}  // namespace axle::lockfile
