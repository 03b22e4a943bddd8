// pylock.toml. spec: PEP 751 / "pylock.toml specification", lock-version 1.0.

#include <algorithm>

#include "axle/pep/version.h"
#include "base/text.h"
#include "lock/draft.h"
#include "lock/readers.h"
#include "lock/toml.h"

namespace axle::lockfile {
namespace {

class PylockReader {
 public:
  PylockReader(std::string_view text, const LockContext& context)
      : draft_(LockFormat::pylock, text, context), toml_(draft_, 0), text_(text) {}

  Lock read() {
    const toml::table top = toml_.parse(text_);
    check_version(top);
    if (!top.get("created-by")) draft_.fail({0, 1, 1}, "\"created-by\" is missing");
    Lock& lock = draft_.lock;
    if (const auto* range = toml_.string(top, "requires-python")) {
      lock.requires_python_place = toml_.place(*top.get("requires-python"));
      lock.requires_python = draft_.range(*range, lock.requires_python_place);
    }
    if (const toml::array* environments = toml_.array(top, "environments")) {
      for (const toml::node& node : *environments) {
        lock.environments.push_back(draft_.marker(toml_.as_string(node, "environments"), toml_.place(node)));
      }
    }
    lock.extras = names(top, "extras");
    lock.groups = names(top, "dependency-groups");
    lock.default_groups = names(top, "default-groups");
    const toml::array* packages = toml_.array(top, "packages");
    if (!packages) draft_.fail({0, 1, 1}, "\"packages\" is missing");
    lock.packages.reserve(packages->size());
    for (const toml::node& node : *packages) read_package(toml_.as_table(node, "packages"));
    for (const std::string& group : lock.default_groups) lock.groups.push_back(group);
    sort_unique(lock.groups);
    return std::move(draft_.lock);
  }

 private:
  // "Tools MUST error for a major version they do not support, SHOULD warn for a minor one."
  void check_version(const toml::table& top) {
    const std::string* text = toml_.string(top, "lock-version");
    if (!text) draft_.fail({0, 1, 1}, "\"lock-version\" is missing: this is no pylock.toml");
    const LockPlace where = toml_.place(*top.get("lock-version"));
    const auto version = Version::try_parse(*text);
    if (!version) draft_.fail(where, "lock-version " + quoted(*text) + " is no version");
    if (version->release_at(0) != Natural(1)) {
      draft_.fail(ErrorCode::unsupported, where, "lock-version " + *text + " of pylock.toml is unknown",
                  "axle reads lock-version 1.x");
    }
    if (*version != Version::parse("1.0")) {
      draft_.lock.notes.push_back({Severity::warning, "lock-version", "", draft_.lock.path,
                                   "lock-version " + *text + " is newer than 1.0: keys it added are ignored",
                                   ""});
    }
  }

  std::vector<std::string> names(const toml::table& table, std::string_view key) {
    std::vector<std::string> result;
    if (const toml::array* array = toml_.array(table, key)) {
      for (const toml::node& node : *array) {
        result.push_back(draft_.name(toml_.as_string(node, key), toml_.place(node)));
      }
    }
    sort_unique(result);
    return result;
  }

  // At least one hash must be one that proves something; those of unknown algorithms are passed over.
  std::vector<Hash> hashes(const toml::table& file) {
    const toml::table* table = toml_.table(file, "hashes");
    if (!table || table->empty()) toml_.fail(file, "\"hashes\" is missing");
    std::vector<Hash> result;
    bool strong = false;
    for (const auto& [key, node] : *table) {
      const auto algorithm = parse_hash_algorithm(key.str());
      if (!algorithm) continue;
      result.push_back(
          draft_.hash(std::string(key.str()) + ":" + toml_.as_string(node, key.str()), toml_.place(node)));
      strong = strong || is_strong(*algorithm);
    }
    if (!strong) {
      draft_.fail(ErrorCode::integrity, toml_.place(*table), "no hash of an algorithm that proves anything",
                  "write the lock anew with sha256");
    }
    return result;
  }

  FileRef read_file(const toml::table& table, std::string_view what) {
    const LockPlace where = toml_.place(table);
    const std::string* name = toml_.string(table, "name");
    const std::string* path = toml_.string(table, "path");
    const std::string* url = toml_.string(table, "url");
    FileRef file;
    // spec: path is preferred to url; the name is `name`, else the last part of the path, else of the URL.
    if (path) {
      file = draft_.file_at_path(*path, where);
    } else if (url) {
      file = draft_.file_at_url(*url, where);
    } else if (name) {
      file = draft_.file_named(*name, where);
    } else {
      toml_.fail(table, quoted(what) + " has none of name, path and url");
    }
    if (name) file.name = draft_.file_named(*name, where).name;
    file.hashes = hashes(table);
    if (const auto size = toml_.integer(table, "size")) {
      if (*size < 0) toml_.fail(*table.get("size"), "a size cannot be negative");
      file.size = static_cast<std::uint64_t>(*size);
    }
    return file;
  }

  void read_package(const toml::table& table) {
    LockPackage package;
    package.place = toml_.place(table);
    package.name = draft_.name(toml_.need_string(table, "name"), package.place);
    if (const auto* version = toml_.string(table, "version")) {
      if (!Version::try_parse(*version))
        toml_.fail(*table.get("version"), quoted(*version) + " is no version");
      package.version = *version;
    }
    if (const auto* marker = toml_.string(table, "marker")) {
      package.marker = draft_.marker(*marker, toml_.place(*table.get("marker")));
    }
    if (const auto* range = toml_.string(table, "requires-python")) {
      package.requires_python = draft_.range(*range, toml_.place(*table.get("requires-python")));
    }
    if (const auto* index = toml_.string(table, "index")) package.source.location = *index;
    read_sources(table, package);
    if (const toml::array* identities = toml_.array(table, "attestation-identities")) {
      for (const toml::node& node : *identities) {
        const toml::table& identity = toml_.as_table(node, "attestation-identities");
        AttestationIdentity kept;
        kept.kind = toml_.need_string(identity, "kind");
        for (const auto& [key, value] : identity) {
          if (const auto* text = value.as_string(); text && key.str() != "kind") {
            kept.fields.emplace(key.str(), text->get());
          }
        }
        package.attestations.push_back(std::move(kept));
      }
    }
    draft_.lock.packages.push_back(std::move(package));
  }

  // spec: vcs, directory and archive exclude each other and sdist and wheels.
  void read_sources(const toml::table& table, LockPackage& package) {
    const toml::table* vcs = toml_.table(table, "vcs");
    const toml::table* directory = toml_.table(table, "directory");
    const toml::table* archive = toml_.table(table, "archive");
    const toml::table* sdist = toml_.table(table, "sdist");
    const toml::array* wheels = toml_.array(table, "wheels");
    const int kinds = (vcs ? 1 : 0) + (directory ? 1 : 0) + (archive ? 1 : 0) + (sdist || wheels ? 1 : 0);
    if (kinds > 1) toml_.fail(table, "vcs, directory, archive and wheels exclude each other");
    if (kinds == 0) toml_.fail(table, "none of wheels, sdist, archive, directory and vcs is there");
    if (vcs) read_vcs(*vcs, package);
    if (directory) {
      package.source.kind = toml_.flag(*directory, "editable") ? SourceKind::editable : SourceKind::directory;
      package.source.location = draft_.beside(toml_.need_string(*directory, "path"));
      if (const auto* below = toml_.string(*directory, "subdirectory")) package.source.subdirectory = *below;
    }
    if (archive) {
      FileRef file = read_file(*archive, "archive");
      package.source.kind = file.path.empty() ? SourceKind::archive : SourceKind::file;
      package.source.location = file.path.empty() ? file.url : file.path;
      if (const auto* below = toml_.string(*archive, "subdirectory")) package.source.subdirectory = *below;
      add_file(package, std::move(file));
    }
    if (wheels) {
      package.wheels.reserve(wheels->size());
      for (const toml::node& node : *wheels) {
        FileRef file = read_file(toml_.as_table(node, "wheels"), "wheels");
        if (!is_wheel_name(file.name)) toml_.fail(node, quoted(file.name) + " is no wheel's name");
        package.wheels.push_back(std::move(file));
      }
    }
    if (sdist) package.sdist = read_file(*sdist, "sdist");
  }

  void read_vcs(const toml::table& table, LockPackage& package) {
    PackageSource& source = package.source;
    source.kind = SourceKind::vcs;
    source.vcs = toml_.need_string(table, "type");
    source.revision = toml_.need_string(table, "commit-id");
    if (const auto* url = toml_.string(table, "url")) {
      source.location = *url;
    } else {
      source.location = draft_.beside(toml_.need_string(table, "path"));
    }
    if (const auto* requested = toml_.string(table, "requested-revision")) source.requested = *requested;
    if (const auto* below = toml_.string(table, "subdirectory")) source.subdirectory = *below;
  }

  Draft draft_;
  TomlReader toml_;
  std::string_view text_;
};

}  // namespace

Lock read_pylock(std::string_view text, const LockContext& context) {
  return PylockReader(text, context).read();
}

}  // namespace axle::lockfile
