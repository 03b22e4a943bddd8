// The fields of "layout" have the names and meaning of rules_py's: what of site-packages a rule may link as a
// whole, and where several wheels share a directory.

#include "action/inspect_wheel.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "action/json_text.h"
#include "axle/base/error.h"
#include "axle/object/object_facts.h"

namespace axle {
namespace {

bool ends_like_library(std::string_view name) {
  return name.ends_with(".so") || name.find(".so.") != std::string_view::npos || name.ends_with(".dylib") ||
         name.ends_with(".dll") || name.ends_with(".pyd");
}

bool is_importable_namespace(NamespaceKind kind) { return kind == NamespaceKind::pep420; }

// Each once, sorted when all are there: they come nearly so.
class NameList {
 public:
  void insert(std::string name) { names_.push_back(std::move(name)); }
  void settle() {
    std::sort(names_.begin(), names_.end());
    names_.erase(std::unique(names_.begin(), names_.end()), names_.end());
  }
  auto begin() const { return names_.begin(); }
  auto end() const { return names_.end(); }

 private:
  std::vector<std::string> names_;
};

struct Names {
  NameList top_levels, top_level_dirs, namespace_top_levels, namespace_entries, namespace_dirs, regular_roots,
      native_roots, data_files, scripts, headers;

  void settle() {
    for (NameList* list : {&top_levels, &top_level_dirs, &namespace_top_levels, &namespace_entries,
                           &namespace_dirs, &regular_roots, &native_roots, &data_files, &scripts, &headers})
      list->settle();
  }
};

class LayoutReader {
 public:
  explicit LayoutReader(const WheelFacts& facts) : facts_(facts) {}

  Names run(bool by_content) {
    for (std::uint32_t i = 0; i < facts_.dirs().size(); ++i) {
      if (is_lib(facts_.dir(i).scheme)) add_dir(i);
    }
    for (std::uint32_t i = 0; i < facts_.files().size(); ++i) add_file(i, by_content);
    names_.settle();
    return std::move(names_);
  }

 private:
  bool is_root(std::uint32_t dir) const { return facts_.dir(dir).parent == dir; }

  // A directory of a namespace whose every directory above is one too, up to the top level.
  bool in_namespace(std::uint32_t dir) const {
    for (; !is_root(dir); dir = facts_.dir(dir).parent) {
      if (!is_importable_namespace(facts_.dir(dir).kind)) return false;
    }
    return true;
  }
  bool below_namespace(std::uint32_t dir) const {
    return !is_root(dir) && !is_root(facts_.dir(dir).parent) && in_namespace(facts_.dir(dir).parent);
  }

  void add_dir(std::uint32_t index) {
    if (is_root(index)) return;
    const DirFact& dir = facts_.dir(index);
    const std::string path = facts_.dir_path(index);
    if (is_root(dir.parent)) {
      names_.top_levels.insert(path);
      names_.top_level_dirs.insert(path);
      if (is_importable_namespace(dir.kind)) names_.namespace_top_levels.insert(path);
    } else if (below_namespace(index)) {
      if (is_importable_namespace(dir.kind)) {
        names_.namespace_dirs.insert(path);
      } else {
        names_.namespace_entries.insert(path);
        if (dir.kind != NamespaceKind::not_package) names_.regular_roots.insert(path);
      }
    }
  }

  void add_file(std::uint32_t index, bool by_content) {
    const FileFact& file = facts_.file(index);
    switch (facts_.scheme_of(file)) {
      case Scheme::data:
        names_.data_files.insert(facts_.path_of(index));
        return;
      case Scheme::scripts:
        names_.scripts.insert(facts_.path_of(index));
        return;
      case Scheme::headers:
        names_.headers.insert(facts_.path_of(index));
        return;
      case Scheme::purelib:
      case Scheme::platlib:
        break;
    }
    if (is_root(file.dir)) {
      names_.top_levels.insert(facts_.path_of(index));
    } else if (in_namespace(file.dir)) {
      names_.namespace_entries.insert(facts_.path_of(index));
    }
    if (by_content ? file.has(file_flag::native) : ends_like_library(facts_.name(file))) {
      const std::string path = facts_.path_of(index);
      names_.native_roots.insert(path.substr(0, path.find('/')));
    }
  }

  const WheelFacts& facts_;
  Names names_;
};

template <class Texts>
void put_list(JsonText& json, std::string_view key, const Texts& texts) {
  json.key(key).begin_array();
  for (const auto& text : texts) json.text(text);
  json.end_array();
}

void put_layout(JsonText& json, const WheelFacts& facts, bool by_content) {
  const Names names = LayoutReader(facts).run(by_content);
  std::vector<std::string> console_scripts;
  for (const EntryPoint& point : facts.entry_points()) {
    if (point.group != "console_scripts") continue;
    const ObjectReference call = parse_object_reference(point.value);
    console_scripts.push_back(point.name + "=" + call.module + ":" + call.attribute);
  }
  json.line().key("layout").begin_object();
  put_list(json, "top_levels", names.top_levels);
  put_list(json, "top_level_dirs", names.top_level_dirs);
  put_list(json, "namespace_top_levels", names.namespace_top_levels);
  put_list(json, "namespace_entries", names.namespace_entries);
  put_list(json, "namespace_dirs", names.namespace_dirs);
  put_list(json, "regular_roots", names.regular_roots);
  put_list(json, "native_roots", names.native_roots);
  put_list(json, "console_scripts", console_scripts);
  put_list(json, "data_files", names.data_files);
  put_list(json, "scripts", names.scripts);
  put_list(json, "headers", names.headers);
  json.end_object();
}

void put_files(JsonText& json, const WheelFacts& facts) {
  json.line().key("files").begin_array();
  std::string path;  // of a directory's files, one after another
  std::optional<std::uint32_t> dir;
  std::size_t name_start = 0;
  for (std::uint32_t i = 0; i < facts.files().size(); ++i) {
    const FileFact& file = facts.file(i);
    if (dir != file.dir) {
      path = facts.dir_path(*(dir = file.dir));
      if (!path.empty()) path += '/';
      name_start = path.size();
    }
    path.replace(name_start, std::string::npos, facts.name(file));
    json.line().begin_object();
    json.key("path").text(path).key("scheme").text(to_string(facts.scheme_of(file)));
    json.key("size").number(file.size);
    json.key("executable").boolean(file.has(file_flag::executable)).end_object();
  }
  json.line().end_array();
}

void put_optional(JsonText& json, std::string_view key, const std::optional<std::string>& text) {
  json.key(key);
  text ? json.text(*text) : json.null();
}

void put_objects(JsonText& json, const WheelFacts& facts) {
  json.line().key("objects").begin_array();
  for (std::size_t i = 0; i < facts.object_count(); ++i) {
    const ObjectFacts object = facts.object(i);
    json.line().begin_object();
    json.key("path").text(facts.path_of(facts.object_file(i)));
    json.key("format").text(to_string(object.format)).key("machine").text(object.machine);
    json.key("soname").text(object.soname);
    put_list(json, "needed", object.needed);
    put_optional(json, "rpath", object.rpath);
    put_optional(json, "runpath", object.runpath);
    put_list(json, "rpaths", object.rpaths);
    json.end_object();
  }
  json.line().end_array();
}

void put_namespaces(JsonText& json, const WheelFacts& facts) {
  json.line().key("namespaces").begin_array();
  for (std::uint32_t i = 0; i < facts.dirs().size(); ++i) {
    const NamespaceKind kind = facts.dir(i).kind;
    if (kind == NamespaceKind::not_package || kind == NamespaceKind::regular || facts.dir(i).parent == i)
      continue;
    json.begin_object().key("path").text(facts.dir_path(i)).key("kind").text(to_string(kind)).end_object();
  }
  json.end_array();
}

void check_same_wheel(const WheelScan& scan, const WheelFacts& facts) {
  if (facts.file_name() == scan.head.file_name && facts.archive_size() == scan.head.archive_size &&
      facts.files().size() == scan.facts.files().size())
    return;
  throw Error(ErrorCode::bad_input, Place{scan.head.wheel},
              "and the facts are not of one wheel: those are of " + std::string(facts.file_name()),
              "name the file that unpack wrote for this wheel (--facts-out)");
}

}  // namespace

std::string render_wheel_json(const WheelScan& scan, const std::optional<WheelFacts>& facts) {
  if (facts) check_same_wheel(scan, *facts);
  const WheelFacts& known = facts ? *facts : scan.facts;
  const auto requires_python = known.requires_python();
  JsonText json;
  constexpr std::size_t likely_line = 128;
  json.reserve(4096 + known.files().size() * likely_line);
  json.begin_object();
  json.key("file").text(scan.head.file_name).key("size").number(scan.head.archive_size);
  json.line().key("name").text(known.name()).key("normalized_name").text(known.normalized());
  json.key("version").text(known.version()).key("summary").text(known.summary());
  json.line().key("dist_info").text(scan.head.dist_info);
  put_optional(json, "data_dir", scan.head.data_dir);
  json.key("root_is_purelib").boolean(known.root_is_purelib());
  put_list(json, "tags", known.tags());
  json.line();
  put_optional(json, "requires_python",
               requires_python ? std::optional(std::string(*requires_python)) : std::nullopt);
  put_list(json, "requires_dist", known.requires_dist());
  put_list(json, "provides_extra", known.provides_extra());
  json.line().key("entry_points").begin_array();
  for (const EntryPoint& point : known.entry_points()) {
    json.begin_object().key("group").text(point.group).key("name").text(point.name);
    json.key("value").text(point.value).end_object();
  }
  json.end_array();
  put_layout(json, known, facts.has_value());
  put_files(json, known);
  if (facts) {
    json.line().key("sha256").text(facts->wheel_sha256().hex());
    put_namespaces(json, *facts);
    put_objects(json, *facts);
  }
  return json.line().end_object().finish();
}

}  // namespace axle
