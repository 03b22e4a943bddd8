// poetry.lock. lock-version 2.1 says of every package in which groups it is, and under which condition:
// select needs nothing else. Older locks do not; for them the walk from the pyproject.toml beside it
// (poetry_project.cc) tells.

#include <algorithm>

#include "axle/pep/name.h"
#include "axle/pep/version.h"
#include "axle/pep/wheel_filename.h"
#include "base/text.h"
#include "lock/draft.h"
#include "lock/poetry_project.h"
#include "lock/pyproject.h"
#include "lock/readers.h"
#include "lock/toml.h"

namespace axle::lockfile {
namespace {

class PoetryReader {
 public:
  PoetryReader(std::string_view text, const LockContext& context)
      : draft_(LockFormat::poetry, text, context), toml_(draft_, 0), text_(text) {}

  Lock read() {
    const toml::table top = toml_.parse(text_);
    const toml::table* metadata = toml_.table(top, "metadata");
    if (!metadata) draft_.fail({0, 1, 1}, "[metadata] is missing: this is no poetry.lock");
    const bool complete = check_version(*metadata);
    Lock& lock = draft_.lock;
    lock.base_group = "main";
    lock.extra_mode = ExtraMode::set;
    lock.activation = complete ? Activation::each : Activation::walk;
    if (const auto* range = toml_.string(*metadata, "python-versions")) {
      lock.requires_python_place = toml_.place(*metadata->get("python-versions"));
      lock.requires_python = poetry_range(draft_, *range, lock.requires_python_place);
    }
    metadata_files_ = toml_.table(*metadata, "files");
    if (const toml::array* packages = toml_.array(top, "package")) {
      lock.packages.reserve(packages->size());
      for (const toml::node& node : *packages) read_package(toml_.as_table(node, "package"), complete);
    }
    if (const toml::table* extras = toml_.table(top, "extras")) {
      for (const auto& [key, node] : *extras)
        lock.extras.push_back(draft_.name(key.str(), toml_.place(node)));
    }
    read_groups(top, complete);
    sort_unique(lock.extras);
    sort_unique(lock.groups);
    std::erase(lock.groups, lock.base_group);
    sort_unique(lock.default_groups);
    std::erase(lock.default_groups, lock.base_group);
    return std::move(draft_.lock);
  }

 private:
  // Whether the lock says groups and markers for each package.
  bool check_version(const toml::table& metadata) {
    const std::string* text = toml_.string(metadata, "lock-version");
    const LockPlace where = text ? toml_.place(*metadata.get("lock-version")) : toml_.place(metadata);
    const auto version = Version::try_parse(text ? *text : "1.0");
    if (!version) draft_.fail(where, "lock-version " + quoted(*text) + " is no version");
    if (*version >= Version::parse("3")) {
      draft_.fail(ErrorCode::unsupported, where, "lock-version " + *text + " of poetry.lock is unknown",
                  "axle reads lock-version 1.x and 2.x");
    }
    return *version >= Version::parse("2.1");
  }

  FileRef read_file(const toml::node& node, const PackageSource& source) {
    const toml::table& table = toml_.as_table(node, "files");
    const LockPlace where = toml_.place(node);
    FileRef file = draft_.file_named(toml_.need_string(table, "file"), where);
    if (const auto* hash = toml_.string(table, "hash")) file.hashes.push_back(draft_.hash(*hash, where));
    if (source.kind == SourceKind::archive) file.url = source.location;
    if (source.kind == SourceKind::file) file.path = source.location;
    return file;
  }

  void read_source(const toml::table& table, LockPackage& package) {
    const toml::table* source = toml_.table(table, "source");
    if (!source) return;
    const std::string* type = toml_.string(*source, "type");
    const std::string& url = toml_.need_string(*source, "url");
    if (const auto* below = toml_.string(*source, "subdirectory")) package.source.subdirectory = *below;
    package.source.location = url;
    if (!type || *type == "legacy") return;
    if (*type == "git") {
      package.source.kind = SourceKind::vcs;
      package.source.vcs = "git";
      if (const auto* ref = toml_.string(*source, "reference")) package.source.requested = *ref;
      if (const auto* ref = toml_.string(*source, "resolved_reference")) package.source.revision = *ref;
    } else if (*type == "url") {
      package.source.kind = SourceKind::archive;
    } else if (*type == "file" || *type == "directory") {
      package.source.location = draft_.beside(url);
      package.source.kind = *type == "file"                ? SourceKind::file
                            : toml_.flag(table, "develop") ? SourceKind::editable
                                                           : SourceKind::directory;
    } else {
      toml_.fail(*source, "a source of type " + quoted(*type) + " is unknown");
    }
  }

  // `markers` is one text for all groups, or a table with the text of some of them.
  void read_groups_of(const toml::table& table, LockPackage& package) {
    const toml::array* groups = toml_.array(table, "groups");
    if (!groups) toml_.fail(table, "\"groups\" is missing");
    for (const toml::node& node : *groups) {
      package.groups.push_back({draft_.name(toml_.as_string(node, "groups"), toml_.place(node)), no_marker});
      draft_.lock.groups.push_back(package.groups.back().group);
    }
    const toml::node* markers = table.get("markers");
    if (!markers) return;
    if (const auto* text = markers->as_string()) {
      package.marker = draft_.marker(text->get(), toml_.place(*markers));
      return;
    }
    for (const auto& [key, node] : toml_.as_table(*markers, "markers")) {
      const std::string group = normalize_name(key.str());
      const MarkerId marker = draft_.marker(toml_.as_string(node, "markers"), toml_.place(node));
      for (GroupMembership& membership : package.groups) {
        if (membership.group == group) membership.marker = marker;
      }
    }
  }

  void read_package(const toml::table& table, bool complete) {
    LockPackage package;
    package.place = toml_.place(table);
    const std::string& raw_name = toml_.need_string(table, "name");
    package.name = draft_.name(raw_name, package.place);
    package.version = toml_.need_string(table, "version");
    read_source(table, package);
    if (complete) {
      read_groups_of(table, package);
    } else {
      if (const auto* range = toml_.string(table, "python-versions")) {
        package.requires_python = poetry_range(draft_, *range, toml_.place(*table.get("python-versions")));
      }
      if (const toml::table* edges = toml_.table(table, "dependencies")) {
        package.dependencies = poetry_edges(draft_, toml_, *edges);
      }
      if (const toml::table* extras = toml_.table(table, "extras")) {
        package.extra_dependencies = poetry_extras(draft_, toml_, *extras, package.dependencies);
      }
    }
    const toml::array* files = toml_.array(table, "files");
    const bool shared = !files && metadata_files_;
    if (shared) files = old_files(raw_name);
    if (files) {
      package.wheels.reserve(files->size());
      for (const toml::node& node : *files) {
        FileRef file = read_file(node, package.source);
        if (!shared || is_of_version(file.name, package.version)) add_file(package, std::move(file));
      }
    }
    draft_.lock.packages.push_back(std::move(package));
  }

  // lock-version 1.0 and 1.1 list the files under [metadata.files], those of all versions of a name together.
  const toml::array* old_files(const std::string& raw_name) {
    for (const auto& [key, node] : *metadata_files_) {
      if (normalize_name(key.str()) == normalize_name(raw_name)) return node.as_array();
    }
    return nullptr;
  }

  static bool is_of_version(const std::string& file_name, const std::string& text) {
    const auto version = Version::try_parse(text);
    if (!version) return true;
    if (const auto wheel = WheelFilename::try_parse(file_name)) return wheel->version == *version;
    if (const auto sdist = SdistFilename::try_parse(file_name)) return sdist->version == *version;
    return true;
  }

  // Every group is on unless pyproject.toml calls it optional.
  void read_groups(const toml::table& top, bool complete) {
    Lock& lock = draft_.lock;
    const auto pyproject = read_pyproject(draft_);
    if (!pyproject && !complete) {
      draft_.fail(
          ErrorCode::unsupported, toml_.place(*top.get("metadata")),
          "a poetry.lock older than lock-version 2.1 does not say what belongs to which group, and there is "
          "no pyproject.toml beside it",
          "put the project's pyproject.toml beside it, or write the lock anew with `poetry lock` of poetry "
          "2");
    }
    std::vector<std::string> optional;
    if (pyproject) {
      for (const PoetryGroup& group : poetry_groups(draft_, *pyproject)) {
        lock.groups.push_back(group.name);
        if (group.optional) optional.push_back(group.name);
      }
      if (complete) {
        lock.packages.push_back(poetry_project(draft_, *pyproject));
      } else {
        add_poetry_project(draft_, *pyproject);
      }
    }
    for (const std::string& group : lock.groups) {
      if (std::find(optional.begin(), optional.end(), group) == optional.end()) {
        lock.default_groups.push_back(group);
      }
    }
  }

  Draft draft_;
  TomlReader toml_;
  std::string_view text_;
  const toml::table* metadata_files_ = nullptr;
};

}  // namespace

Lock read_poetry_lock(std::string_view text, const LockContext& context) {
  return PoetryReader(text, context).read();
}

}  // namespace axle::lockfile
