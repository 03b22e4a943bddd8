// Pipfile.lock, pipfile-spec 6. It lists hashes without file names, so which file is which is known only to
// an index.

#include <simdjson.h>

#include <algorithm>
#include <map>

#include "axle/pep/name.h"
#include "axle/pep/specifier.h"
#include "base/text.h"
#include "lock/draft.h"
#include "lock/readers.h"

namespace axle::lockfile {
namespace {

namespace ondemand = simdjson::ondemand;

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

class PipfileReader {
 public:
  PipfileReader(std::string_view text, const LockContext& context)
      : draft_(LockFormat::pipfile, text, context),
        text_(text.starts_with(byte_order_mark) ? text.substr(byte_order_mark.size()) : text) {}

  Lock read() {
    if (!is_utf8(text_)) draft_.fail({0, 1, 1}, "the file is not UTF-8");
    const simdjson::padded_string padded(text_);
    base_ = padded.data();
    check_syntax(padded);
    ondemand::parser parser;
    ondemand::document document = start(parser, padded);
    try {
      ondemand::object top = document.get_object();
      for (ondemand::field field : top) {
        const std::string key(field.unescaped_key().value());
        if (key == "_meta") {
          read_meta(field.value());
        } else {
          read_category(key, field.value());
        }
      }
    } catch (const simdjson::simdjson_error& error) {
      fail_json(document, error.error());
    }
    finish();
    return std::move(draft_.lock);
  }

 private:
  LockPlace place_at(const char* at) const {
    const auto offset = static_cast<std::size_t>(at - base_);
    if (offset > text_.size()) return {0, 1, 1};
    // Asked for in the order of the file: each time only the way from the last place is counted.
    if (offset < last_offset_) {
      last_offset_ = 0;
      last_line_ = 1;
      line_start_ = 0;
    }
    for (; last_offset_ < offset; ++last_offset_) {
      if (text_[last_offset_] == '\n') {
        ++last_line_;
        line_start_ = last_offset_ + 1;
      }
    }
    return {0, last_line_, static_cast<std::uint32_t>(offset - line_start_ + 1)};
  }

  LockPlace place_of(ondemand::value& value) const { return place_at(value.raw_json_token().data()); }

  // A document that could not be started (an empty file) has no place to ask for.
  ondemand::document start(ondemand::parser& parser, const simdjson::padded_string& padded) {
    ondemand::document document;
    if (const simdjson::error_code error = parser.iterate(padded).get(document)) {
      draft_.fail({0, 1, 1}, std::string("not JSON: ") + simdjson::error_message(error));
    }
    return document;
  }

  // On-demand reading does not look at what it passes over: everything is checked here first. This parser
  // knows no positions, so an error is placed by walking to it.
  void check_syntax(const simdjson::padded_string& padded) {
    simdjson::dom::parser parser;
    const simdjson::error_code error = parser.parse(padded).error();
    if (!error) return;
    ondemand::parser walker;
    ondemand::document document = start(walker, padded);
    try {
      ondemand::object top = document.get_object();
      for (ondemand::field field : top) {
        static_cast<void>(field.unescaped_key().value());
        walk(field.value(), 0);
      }
    } catch (const simdjson::simdjson_error& found) {
      fail_json(document, found.error());
    }
    draft_.fail({0, 1, 1}, std::string("not JSON: ") + simdjson::error_message(error));
  }

  static void walk(ondemand::value value, int depth) {
    if (depth > 32) throw simdjson::simdjson_error(simdjson::DEPTH_ERROR);
    switch (value.type().value()) {
      case ondemand::json_type::object: {
        ondemand::object object = value.get_object();
        for (ondemand::field field : object) {
          static_cast<void>(field.unescaped_key().value());
          walk(field.value(), depth + 1);
        }
        return;
      }
      case ondemand::json_type::array: {
        ondemand::array array = value.get_array();
        for (ondemand::value item : array) walk(item, depth + 1);
        return;
      }
      case ondemand::json_type::string:
        static_cast<void>(value.get_string().value());
        return;
      case ondemand::json_type::number:
        static_cast<void>(value.get_double().value());
        return;
      case ondemand::json_type::boolean:
        static_cast<void>(value.get_bool().value());
        return;
      case ondemand::json_type::null:
        static_cast<void>(value.is_null());
        return;
    }
  }

  [[noreturn]] void fail_json(ondemand::document& document, simdjson::error_code error) {
    LockPlace where{0, 1, 1};
    const char* at = nullptr;
    if (!document.current_location().get(at) && at >= base_ && at <= base_ + text_.size())
      where = place_at(at);
    draft_.fail(where, std::string("not a Pipfile.lock: ") + simdjson::error_message(error));
  }

  std::string string(ondemand::value value, std::string_view what) {
    std::string_view text;
    const LockPlace where = place_of(value);
    if (value.get_string().get(text)) draft_.fail(where, axle::quoted(what) + " must be a string");
    return std::string(text);
  }

  ondemand::object object(ondemand::value value, std::string_view what) {
    ondemand::object result;
    const LockPlace where = place_of(value);
    if (value.get_object().get(result)) draft_.fail(where, axle::quoted(what) + " must be an object");
    return result;
  }

  ondemand::array array(ondemand::value value, std::string_view what) {
    ondemand::array result;
    const LockPlace where = place_of(value);
    if (value.get_array().get(result)) draft_.fail(where, axle::quoted(what) + " must be an array");
    return result;
  }

  void read_meta(ondemand::value value) {
    has_meta_ = true;
    for (ondemand::field field : object(value, "_meta")) {
      const std::string key(field.unescaped_key().value());
      if (key == "pipfile-spec") {
        ondemand::value version = field.value();
        const LockPlace where = place_of(version);
        std::int64_t number = 0;
        if (version.get_int64().get(number)) draft_.fail(where, "\"pipfile-spec\" must be an integer");
        if (number != 6) {
          draft_.fail(ErrorCode::unsupported, where,
                      "pipfile-spec " + std::to_string(number) + " of Pipfile.lock is unknown",
                      "axle reads pipfile-spec 6; write the lock anew with `pipenv lock`");
        }
      } else if (key == "sources") {
        for (ondemand::value source : array(field.value(), "sources")) read_index(source);
      }
    }
  }

  void read_index(ondemand::value value) {
    std::string name;
    std::string url;
    for (ondemand::field field : object(value, "sources")) {
      const std::string key(field.unescaped_key().value());
      if (key == "name") name = string(field.value(), key);
      if (key == "url") url = expand(string(field.value(), key));
    }
    if (url.empty()) return;
    if (!draft_.lock.options.index_url) {
      draft_.lock.options.index_url = url;
    } else {
      draft_.lock.options.extra_index_urls.push_back(url);
    }
    indexes_.emplace(std::move(name), std::move(url));
  }

  // pipenv replaces ${NAME} and $NAME in source URLs when it reads them.
  std::string expand(const std::string& text) const {
    std::string result;
    for (std::size_t at = 0; at < text.size();) {
      if (text[at] == '$') {
        const bool braced = at + 1 < text.size() && text[at + 1] == '{';
        std::size_t end = at + (braced ? 2 : 1);
        const std::size_t start = end;
        while (end < text.size() && (is_alnum(text[end]) || text[end] == '_')) ++end;
        const auto found = draft_.context().variables.find(text.substr(start, end - start));
        const bool closed = !braced || (end < text.size() && text[end] == '}');
        if (closed && found != draft_.context().variables.end()) {
          result += found->second;
          at = end + (braced ? 1 : 0);
          continue;
        }
      }
      result += text[at++];
    }
    return result;
  }

  void read_category(const std::string& category, ondemand::value value) {
    const LockPlace where = place_of(value);
    const std::string group = draft_.name(category, where);
    draft_.lock.groups.push_back(group);
    for (ondemand::field field : object(value, category)) {
      const std::string name(field.unescaped_key().value());
      read_entry(group, name, field.value());
    }
  }

  void read_entry(const std::string& group, const std::string& raw_name, ondemand::value value) {
    LockPackage package;
    package.place = place_of(value);
    package.name = draft_.name(raw_name, package.place);
    package.groups = {{group, no_marker}};
    package.files_known = false;
    std::string version;
    std::string vcs_url;
    for (ondemand::field field : object(value, raw_name)) {
      const std::string key(field.unescaped_key().value());
      ondemand::value item = field.value();
      if (key == "version") {
        package.place = place_of(item);
        version = string(item, key);
      } else if (key == "markers") {
        const LockPlace where = place_of(item);
        package.marker = draft_.marker(string(item, key), where);
      } else if (key == "index") {
        package.source.location = string(item, key);
      } else if (key == "hashes") {
        for (ondemand::value hash : array(item, key)) {
          const LockPlace where = place_of(hash);
          package.hash_bag.push_back(draft_.hash(string(hash, key), where));
        }
      } else if (key == "git" || key == "hg" || key == "svn" || key == "bzr") {
        package.source.kind = SourceKind::vcs;
        package.source.vcs = key;
        package.source.location = string(item, key);
      } else if (key == "ref") {
        package.source.revision = string(item, key);
      } else if (key == "subdirectory") {
        package.source.subdirectory = string(item, key);
      } else if (key == "path" || key == "file") {
        vcs_url = string(item, key);
      } else if (key == "editable") {
        editable_ = item.get_bool().value();
      }
    }
    if (!vcs_url.empty()) read_location(package, vcs_url);
    editable_ = false;
    if (package.source.kind == SourceKind::index) pin(package, version);
    draft_.lock.packages.push_back(std::move(package));
  }

  // `path` and `file` are both a path or a URL.
  void read_location(LockPackage& package, const std::string& location) {
    const auto local = is_url(location) ? file_url_path(location) : std::optional<std::string>(location);
    const std::string_view name = std::string_view(location).substr(0, location.find_first_of("#?"));
    package.files_known = true;
    if (is_wheel_name(name) || is_sdist_name(name)) {
      FileRef file =
          local ? draft_.file_at_path(*local, package.place) : draft_.file_at_url(location, package.place);
      package.source.kind = local ? SourceKind::file : SourceKind::archive;
      package.source.location = local ? file.path : file.url;
      file.hashes = package.hash_bag;
      add_file(package, std::move(file));
    } else {
      package.source.kind = editable_ ? SourceKind::editable : SourceKind::directory;
      package.source.location = draft_.beside(local.value_or(location));
    }
  }

  // Entries that did not apply where the lock was made are not pinned ("*", "==>=1.2"): an error only for a
  // target on which they apply.
  static void pin(LockPackage& package, const std::string& text) {
    const auto set = SpecifierSet::try_parse(text);
    if (set && set->clauses().size() == 1) {
      const Specifier& clause = set->clauses().front();
      const bool exact =
          clause.op() == SpecifierOperator::equal || clause.op() == SpecifierOperator::arbitrary;
      if (exact && !clause.is_prefix()) {
        package.version = clause.version_text();
        package.any_local = clause.op() == SpecifierOperator::equal;
        return;
      }
    }
    package.unpinned = text.empty() ? "it has no version" : "its version is " + axle::quoted(text);
  }

  void finish() {
    Lock& lock = draft_.lock;
    if (!has_meta_) draft_.fail({0, 1, 1}, "\"_meta\" is missing: this is no Pipfile.lock");
    lock.base_group = "default";
    sort_unique(lock.groups);
    std::erase(lock.groups, lock.base_group);
    for (LockPackage& package : lock.packages) {
      if (package.source.kind != SourceKind::index || package.source.location.empty()) continue;
      const auto index = indexes_.find(package.source.location);
      if (index == indexes_.end()) {
        draft_.fail(package.place,
                    "index " + axle::quoted(package.source.location) + " is not among the sources");
      }
      package.source.location = index->second;
    }
  }

  Draft draft_;
  std::string_view text_;
  const char* base_ = nullptr;
  bool has_meta_ = false;
  bool editable_ = false;
  std::map<std::string, std::string> indexes_;
  mutable std::size_t last_offset_ = 0;
  mutable std::size_t line_start_ = 0;
  mutable std::uint32_t last_line_ = 1;
};

}  // namespace

Lock read_pipfile_lock(std::string_view text, const LockContext& context) {
  return PipfileReader(text, context).read();
}

}  // namespace axle::lockfile
