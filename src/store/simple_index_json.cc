// spec: PEP 691, 700, 792: the JSON form of a project page.

#include <simdjson.h>

#include <algorithm>

#include "axle/base/error.h"
#include "axle/store/simple_index.h"
#include "base/text.h"
#include "store/simple_index_link.h"

namespace axle {
namespace {

using simdjson::dom::element;
using simdjson::dom::object;

class Reader {
 public:
  explicit Reader(const std::string& url) : url_(url) {}

  ProjectPage read(const element& root) const {
    ProjectPage page;
    const auto whole = as_object(root, "the page");
    // Without "meta" a page is taken for one of version 1.0, as HTML pages are (PEP 629).
    if (const auto meta = find(whole, "meta")) {
      const auto version = find(as_object(*meta, "\"meta\""), "api-version");
      if (!version) throw_page_error(url_, "has no \"api-version\"");
      check_api_version(url_, as_string(*version, "\"api-version\""), page.notes);
    }

    const auto files = find(whole, "files");
    if (!files) throw_page_error(url_, "has no \"files\"");
    simdjson::dom::array list;
    if (files->get(list) != simdjson::SUCCESS) throw_page_error(url_, "\"files\" is no array");
    std::size_t nameless = 0;
    for (const element entry : list) {
      if (auto file = read_file(entry)) {
        page.files.push_back(*std::move(file));
      } else {
        ++nameless;
      }
    }
    note_faults(page, url_, nameless);

    std::string_view status = "active";
    std::string_view reason;
    if (const auto given = find(whole, "project-status")) {
      const auto members = as_object(*given, "\"project-status\"");
      if (const auto value = find(members, "status")) status = as_string(*value, "\"status\"");
      if (const auto value = find(members, "reason")) reason = as_string(*value, "\"reason\"");
    }
    apply_status(page, status, reason);
    return page;
  }

 private:
  // Absent and null are the same.
  static std::optional<element> find(const object& members, std::string_view key) {
    element value;
    if (members.at_key(key).get(value) != simdjson::SUCCESS || value.is_null()) return std::nullopt;
    return value;
  }

  object as_object(const element& value, const char* what) const {
    object members;
    if (value.get(members) != simdjson::SUCCESS) throw_page_error(url_, std::string(what) + " is no object");
    return members;
  }

  std::string_view as_string(const element& value, const char* what) const {
    std::string_view text;
    if (value.get(text) != simdjson::SUCCESS) throw_page_error(url_, std::string(what) + " is no string");
    return text;
  }

  // nullopt for an entry that does not even name a file.
  std::optional<IndexFile> read_file(const element& entry) const {
    object members;
    std::string_view filename;
    if (entry.get(members) != simdjson::SUCCESS) return std::nullopt;
    const auto name = find(members, "filename");
    if (!name || name->get(filename) != simdjson::SUCCESS) return std::nullopt;
    check_filename(url_, filename);
    IndexFile file;
    file.filename = filename;
    try {
      read_details(members, file);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::bad_input) throw;
      file.fault = error.message();
    }
    return file;
  }

  void read_details(const object& members, IndexFile& file) const {
    const auto link = find(members, "url");
    if (!link) throw_page_error(url_, "has no \"url\"");
    file.url = resolve_link(url_, url_, as_string(*link, "its \"url\""));
    if (const auto hashes = find(members, "hashes")) read_hashes(*hashes, file);
    if (const auto size = find(members, "size")) {
      std::uint64_t count = 0;
      if (size->get(count) != simdjson::SUCCESS) throw_page_error(url_, "has a bad \"size\"");
      file.size = count;
    }
    if (const auto value = find(members, "requires-python")) {
      file.requires_python = as_string(*value, "its \"requires-python\"");
    }
    if (const auto value = find(members, "upload-time"))
      file.upload_time = as_string(*value, "its \"upload-time\"");
    if (const auto value = find(members, "yanked")) {
      bool yanked = false;
      if (value->get(yanked) == simdjson::SUCCESS) {
        if (yanked) file.yanked = "";
      } else if (const auto reason = as_string(*value, "its \"yanked\""); !reason.empty()) {
        file.yanked = reason;
      }
    }
  }

  void read_hashes(const element& value, IndexFile& file) const {
    for (const auto field : as_object(value, "its \"hashes\"")) {
      if (!parse_hash_algorithm(field.key)) continue;
      add_hash(file, std::string(field.key) + ":" + std::string(as_string(field.value, "its hash")));
    }
  }

  const std::string& url_;
};

}  // namespace

ProjectPage parse_simple_json(std::string_view text, const std::string& url) {
  simdjson::dom::parser parser;
  element root;
  if (const auto error = parser.parse(text.data(), text.size()).get(root); error != simdjson::SUCCESS) {
    throw_page_error(url, std::string("is no valid JSON: ") + simdjson::error_message(error));
  }
  return Reader(url).read(root);
}

}  // namespace axle
