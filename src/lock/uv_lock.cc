// uv.lock, version 1. There is no specification: docs/locks.md says what was learnt from uv's own files.
//
// The lock is a graph. Which packages are wanted is found by a walk from the project's own packages along
// edges whose markers are true; select does that. Here the edges are only read.

#include <algorithm>

#include "base/text.h"
#include "lock/draft.h"
#include "lock/pyproject.h"
#include "lock/readers.h"
#include "lock/toml.h"

namespace axle::lockfile {
namespace {

class UvReader {
 public:
  UvReader(std::string_view text, const LockContext& context)
      : draft_(LockFormat::uv, text, context), toml_(draft_, 0), text_(text) {}

  Lock read() {
    const toml::table top = toml_.parse(text_);
    check_version(top);
    Lock& lock = draft_.lock;
    lock.activation = Activation::walk;
    lock.extra_mode = ExtraMode::set;
    if (const std::string* range = toml_.string(top, "requires-python")) {
      lock.requires_python_place = toml_.place(*top.get("requires-python"));
      lock.requires_python = draft_.range(*range, lock.requires_python_place);
    }
    if (const toml::array* markers = toml_.array(top, "supported-markers")) {
      for (const toml::node& node : *markers) {
        lock.environments.push_back(
            draft_.marker(toml_.as_string(node, "supported-markers"), toml_.place(node)));
      }
    }
    read_conflicts(top);
    if (const toml::array* packages = toml_.array(top, "package")) {
      lock.packages.reserve(packages->size());
      for (const toml::node& node : *packages) read_package(toml_.as_table(node, "package"));
    }
    find_roots(top);
    read_defaults();
    sort_unique(lock.extras);
    sort_unique(lock.groups);
    sort_unique(lock.default_groups);
    return std::move(draft_.lock);
  }

 private:
  void check_version(const toml::table& top) {
    const auto version = toml_.integer(top, "version");
    if (!version) draft_.fail({0, 1, 1}, "\"version\" is missing: this is no uv.lock");
    if (*version != 1) {
      draft_.fail(ErrorCode::unsupported, toml_.place(*top.get("version")),
                  "version " + std::to_string(*version) + " of uv.lock is unknown",
                  "axle reads version 1; write the lock with a uv that writes it");
    }
  }

  void read_conflicts(const toml::table& top) {
    const toml::array* sets = toml_.array(top, "conflicts");
    if (!sets) return;
    for (const toml::node& set : *sets) {
      const toml::array* members = set.as_array();
      if (!members) toml_.fail(set, "a conflict must be an array");
      auto& conflict = draft_.lock.conflicts.emplace_back();
      for (const toml::node& node : *members) {
        const toml::table& table = toml_.as_table(node, "conflicts");
        ConflictMember member;
        member.package = draft_.name(toml_.need_string(table, "package"), toml_.place(node));
        if (const auto* extra = toml_.string(table, "extra")) {
          member.extra = draft_.name(*extra, toml_.place(node));
        } else if (const auto* group = toml_.string(table, "group")) {
          member.group = draft_.name(*group, toml_.place(node));
        }
        conflict.push_back(std::move(member));
      }
    }
  }

  PackageSource read_source(const toml::table& table) {
    struct Row {
      std::string_view key;
      SourceKind kind;
    };
    static constexpr Row rows[] = {
        {"registry", SourceKind::index},      {"git", SourceKind::vcs},
        {"url", SourceKind::archive},         {"path", SourceKind::file},
        {"directory", SourceKind::directory}, {"editable", SourceKind::editable},
        {"virtual", SourceKind::project},
    };
    PackageSource source;
    for (const Row& row : rows) {
      const std::string* value = toml_.string(table, row.key);
      if (!value) continue;
      source.kind = row.kind;
      source.location = *value;
      if (const auto* below = toml_.string(table, "subdirectory")) source.subdirectory = *below;
      if (row.kind == SourceKind::vcs) read_git(source);
      if (row.kind != SourceKind::vcs && row.kind != SourceKind::archive && !is_url(*value)) {
        source.location = draft_.beside(*value);
      }
      return source;
    }
    toml_.fail(table, "the source is of no kind that axle knows");
  }

  // "https://host/repo?rev=v1&subdirectory=x#commit"
  static void read_git(PackageSource& source) {
    source.vcs = "git";
    std::string_view url = source.location;
    std::string_view query;
    if (const auto hash = url.find('#'); hash != std::string_view::npos) {
      source.revision = url.substr(hash + 1);
      url = url.substr(0, hash);
    }
    if (const auto mark = url.find('?'); mark != std::string_view::npos) {
      query = url.substr(mark + 1);
      url = url.substr(0, mark);
    }
    for (const std::string_view part : split(query, '&')) {
      const auto equals = part.find('=');
      if (equals == std::string_view::npos) continue;
      const std::string_view key = part.substr(0, equals);
      const std::string value = percent_decode(part.substr(equals + 1)).value_or("");
      if (key == "rev" || key == "tag" || key == "branch") source.requested = value;
      if (key == "subdirectory") source.subdirectory = value;
    }
    source.location = std::string(url);
  }

  // An edge's source is compared with its package's: both go through the same reading.
  LockEdge read_edge(const toml::node& node) {
    const toml::table& table = toml_.as_table(node, "dependencies");
    LockEdge edge;
    edge.place = toml_.place(node);
    edge.name = draft_.name(toml_.need_string(table, "name"), edge.place);
    if (const auto* version = toml_.string(table, "version")) edge.version = *version;
    if (const auto* source = toml_.table(table, "source")) edge.source = read_source(*source).location;
    if (const auto* marker = toml_.string(table, "marker")) edge.marker = draft_.marker(*marker, edge.place);
    if (const auto* extras = toml_.array(table, "extra")) {
      for (const toml::node& extra : *extras) {
        edge.extras.push_back(draft_.name(toml_.as_string(extra, "extra"), edge.place));
      }
    }
    return edge;
  }

  std::vector<LockEdge> read_edges(const toml::array& array) {
    std::vector<LockEdge> edges;
    edges.reserve(array.size());
    for (const toml::node& node : array) edges.push_back(read_edge(node));
    return edges;
  }

  std::vector<NamedEdges> read_named_edges(const toml::table& package, std::string_view key) {
    std::vector<NamedEdges> parts;
    if (const toml::table* table = toml_.table(package, key)) {
      for (const auto& [name, node] : *table) {
        const toml::array* array = node.as_array();
        if (!array) toml_.fail(node, quoted(name.str()) + " must be an array");
        parts.push_back({draft_.name(name.str(), toml_.place(node)), read_edges(*array)});
      }
    }
    return parts;
  }

  FileRef read_file(const toml::node& node, const PackageSource& source) {
    const toml::table& table = toml_.as_table(node, "wheels");
    const LockPlace where = toml_.place(node);
    FileRef file;
    if (const auto* url = toml_.string(table, "url")) {
      file = draft_.file_at_url(*url, where);
    } else if (const auto* path = toml_.string(table, "path")) {
      // Of a local index: relative to it, which is itself relative to the lock.
      file = draft_.file_at_path(*path, where);
      if (source.kind == SourceKind::index && !is_url(source.location)) {
        file.path = join_path(source.location, *path);
      }
    } else if (const auto* name = toml_.string(table, "filename")) {
      file = draft_.file_named(*name, where);
      if (source.kind == SourceKind::file) file.path = source.location;
      if (source.kind == SourceKind::archive) file.url = source.location;
    } else if (source.kind == SourceKind::archive) {
      file = draft_.file_at_url(source.location, where);
    } else if (source.kind == SourceKind::file) {
      file = draft_.file_at_path(source.location, where);
      file.path = source.location;
    } else {
      toml_.fail(node, "a file has neither url nor path");
    }
    if (const auto* hash = toml_.string(table, "hash")) file.hashes.push_back(draft_.hash(*hash, where));
    if (const auto size = toml_.integer(table, "size"); size && *size >= 0) {
      file.size = static_cast<std::uint64_t>(*size);
    }
    return file;
  }

  void read_package(const toml::table& table) {
    LockPackage package;
    package.place = toml_.place(table);
    package.name = draft_.name(toml_.need_string(table, "name"), package.place);
    if (const auto* version = toml_.string(table, "version")) package.version = *version;
    const toml::table* source = toml_.table(table, "source");
    if (!source) toml_.fail(table, "\"source\" is missing");
    package.source = read_source(*source);
    if (const auto* edges = toml_.array(table, "dependencies")) package.dependencies = read_edges(*edges);
    package.extra_dependencies = read_named_edges(table, "optional-dependencies");
    package.group_dependencies = read_named_edges(table, "dev-dependencies");
    if (const auto* wheels = toml_.array(table, "wheels")) {
      package.wheels.reserve(wheels->size());
      for (const toml::node& node : *wheels) {
        FileRef file = read_file(node, package.source);
        if (is_wheel_name(file.name)) package.wheels.push_back(std::move(file));
      }
    }
    if (const toml::node* sdist = table.get("sdist")) {
      // An archive's sdist may name nothing but its hash: the source says where it is.
      package.sdist = read_file(*sdist, package.source);
    }
    if (const toml::table* metadata = toml_.table(table, "metadata"))
      metadata_.push_back({package.name, metadata});
    draft_.lock.packages.push_back(std::move(package));
  }

  bool is_local(const LockPackage& package) const {
    return package.source.kind == SourceKind::editable || package.source.kind == SourceKind::project ||
           package.source.kind == SourceKind::directory;
  }

  // The root is the package whose source is the lock's own directory. A workspace whose root is no project
  // has only members: they are all roots then, and groups of the workspace itself stand in the manifest.
  void find_roots(const toml::table& top) {
    Lock& lock = draft_.lock;
    const std::string here = draft_.beside(".");
    std::vector<std::string> members;
    const toml::table* manifest = toml_.table(top, "manifest");
    if (manifest) {
      if (const toml::array* names = toml_.array(*manifest, "members")) {
        for (const toml::node& node : *names) {
          members.push_back(draft_.name(toml_.as_string(node, "members"), toml_.place(node)));
        }
      }
    }
    for (std::size_t i = 0; i < lock.packages.size(); ++i) {
      if (is_local(lock.packages[i]) && lock.packages[i].source.location == here) lock.roots.push_back(i);
    }
    if (lock.roots.empty()) {
      for (std::size_t i = 0; i < lock.packages.size(); ++i) {
        const LockPackage& package = lock.packages[i];
        const bool member = std::find(members.begin(), members.end(), package.name) != members.end();
        if (is_local(package) && (member || members.empty())) lock.roots.push_back(i);
      }
      if (manifest) add_workspace(*manifest);
    }
    if (lock.roots.empty()) {
      draft_.fail({0, 1, 1}, "no package is the project itself: nothing tells which packages are wanted");
    }
    for (const std::size_t root : lock.roots) {
      const LockPackage& package = lock.packages[root];
      for (const NamedEdges& part : package.extra_dependencies) lock.extras.push_back(part.name);
      for (const NamedEdges& part : package.group_dependencies) lock.groups.push_back(part.name);
      for (const auto& [name, metadata] : metadata_) {
        if (name == package.name) read_metadata(*metadata);
      }
    }
  }

  // What the packages were locked from: it names extras and groups that bring nothing, too.
  void read_metadata(const toml::table& metadata) {
    if (const toml::array* extras = toml_.array(metadata, "provides-extras")) {
      for (const toml::node& node : *extras) {
        draft_.lock.extras.push_back(
            draft_.name(toml_.as_string(node, "provides-extras"), toml_.place(node)));
      }
    }
    if (const toml::table* groups = toml_.table(metadata, "requires-dev")) {
      for (const auto& [key, node] : *groups) {
        draft_.lock.groups.push_back(draft_.name(key.str(), toml_.place(node)));
      }
    }
  }

  // The groups of a workspace root that is no project: requirements, not edges.
  void add_workspace(const toml::table& manifest) {
    const toml::table* groups = toml_.table(manifest, "dependency-groups");
    if (!groups) return;
    LockPackage workspace;
    workspace.source = {SourceKind::project, draft_.beside("."), {}, {}, {}, {}};
    workspace.place = toml_.place(manifest);
    for (const auto& [key, node] : *groups) {
      const toml::array* array = node.as_array();
      if (!array) toml_.fail(node, quoted(key.str()) + " must be an array");
      NamedEdges part{draft_.name(key.str(), toml_.place(node)), {}};
      for (const toml::node& item : *array) {
        const toml::table& table = toml_.as_table(item, "dependency-groups");
        LockEdge edge;
        edge.place = toml_.place(item);
        edge.name = draft_.name(toml_.need_string(table, "name"), edge.place);
        if (const auto* range = toml_.string(table, "specifier"))
          edge.range = draft_.range(*range, edge.place);
        if (const auto* marker = toml_.string(table, "marker"))
          edge.marker = draft_.marker(*marker, edge.place);
        if (const auto* extras = toml_.array(table, "extras")) {
          for (const toml::node& extra : *extras) {
            edge.extras.push_back(draft_.name(toml_.as_string(extra, "extras"), edge.place));
          }
        }
        part.edges.push_back(std::move(edge));
      }
      workspace.group_dependencies.push_back(std::move(part));
    }
    draft_.lock.roots.push_back(draft_.lock.packages.size());
    draft_.lock.packages.push_back(std::move(workspace));
  }

  // tool.uv.default-groups of pyproject.toml, else the group "dev" when there is one.
  void read_defaults() {
    Lock& lock = draft_.lock;
    const auto pyproject = read_pyproject(draft_);
    const TomlReader toml(draft_, pyproject ? pyproject->file : 0);
    if (pyproject) {
      for (std::string& group : group_names(draft_, *pyproject)) lock.groups.push_back(std::move(group));
      const toml::table* uv = find_table(pyproject->table, {"tool", "uv"});
      const toml::node* defaults = uv ? uv->get("default-groups") : nullptr;
      if (defaults && defaults->is_string()) {
        if (toml.as_string(*defaults, "default-groups") != "all") {
          toml.fail(*defaults, "\"default-groups\" must be an array or \"all\"");
        }
        lock.default_groups = lock.groups;
        return;
      }
      if (defaults) {
        const toml::array* names = toml.array(*uv, "default-groups");
        for (const toml::node& node : *names) {
          lock.default_groups.push_back(
              draft_.name(toml.as_string(node, "default-groups"), toml.place(node)));
        }
        return;
      }
    }
    if (std::find(lock.groups.begin(), lock.groups.end(), "dev") != lock.groups.end()) {
      lock.default_groups = {"dev"};
    }
  }

  struct Metadata {
    std::string package;
    const toml::table* table;
  };

  Draft draft_;
  TomlReader toml_;
  std::string_view text_;
  std::vector<Metadata> metadata_;  // tables of the document that read() holds
};

}  // namespace

Lock read_uv_lock(std::string_view text, const LockContext& context) {
  return UvReader(text, context).read();
}

}  // namespace axle::lockfile
