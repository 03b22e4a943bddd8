// spec: PEP 503, 592, 629, 792: the HTML form of a project page; also any page of links (--find-links).

#include <algorithm>
#include <utility>

#include "axle/base/error.h"
#include "axle/store/simple_index.h"
#include "base/text.h"
#include "store/http_url.h"
#include "store/simple_index_link.h"
#include "store/simple_index_tags.h"

namespace axle {
namespace {

constexpr std::string_view html_space = " \t\r\n\f";

std::string_view without_space(std::string_view text) {
  const std::size_t first = text.find_first_not_of(html_space);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(html_space) - first + 1);
}

// The last component of a reference, decoded once (decoding twice is how "%252f" becomes a path); nullopt
// when its escapes are malformed.
std::optional<std::string> last_component(std::string_view reference) {
  reference = reference.substr(0, reference.find_first_of("?#"));
  const std::size_t slash = reference.rfind('/');
  return percent_decode(slash == std::string_view::npos ? reference : reference.substr(slash + 1));
}

// Links that indexes and pages offer as archives; the rest of a page's links are nobody's business.
bool is_offer(std::string_view reference) {
  const std::string_view path = reference.substr(0, reference.find_first_of("?#"));
  return is_archive_name(last_component(reference).value_or(std::string(path)));
}

void read_hashes(std::string_view reference, IndexFile& file) {
  const std::size_t mark = reference.find('#');
  if (mark == std::string_view::npos) return;
  for (const std::string_view piece : split(reference.substr(mark + 1), '&')) {
    if (piece.find('=') != std::string_view::npos) add_hash(file, piece);
  }
}

std::string text_of(const std::string& url, const std::string* value) {
  if (value == nullptr) return {};
  if (!is_utf8(*value)) throw_page_error(url, "has an attribute that is not UTF-8");
  return *value;
}

IndexFile read_link(const std::string& url, const std::string& base, const HtmlTag& tag,
                    std::string_view reference) {
  IndexFile file;
  const auto filename = last_component(reference);
  if (!filename)
    throw_page_error(url, "has a link with a malformed escape: " + quoted(redact_url(reference)));
  check_filename(url, *filename);
  file.filename = *filename;
  try {
    file.url = resolve_link(url, base, reference);
    read_hashes(reference, file);
    file.requires_python = text_of(url, tag.find("data-requires-python"));
    if (const std::string* reason = tag.find("data-yanked")) file.yanked = text_of(url, reason);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::bad_input) throw;
    file.fault = error.message();
  }
  return file;
}

}  // namespace

ProjectPage parse_simple_html(std::string_view text, const std::string& url) {
  if (text.find('\0') != std::string_view::npos) throw_page_error(url, "is no HTML: it holds NUL bytes");
  ProjectPage page;
  std::string base = url;
  std::string status = "active";
  std::string reason;
  std::vector<HtmlTag> links;
  std::size_t tags = 0;
  bool has_base = false;
  HtmlTagReader reader(text);
  while (auto tag = reader.next()) {
    ++tags;
    const std::string* href = tag->find("href");
    if (tag->name == "a" && href != nullptr) {
      if (is_offer(without_space(*href))) links.push_back(*std::move(tag));
    } else if (tag->name == "base" && href != nullptr && !std::exchange(has_base, true)) {
      const auto target = resolve_url(url, without_space(*href));
      if (!target || !parse_url(*target))
        throw_page_error(url, "has a <base> that is no URL: " + quoted(redact_url(*href)));
      base = *target;
    } else if (tag->name == "meta" && tag->find("name") != nullptr && tag->find("content") != nullptr) {
      const std::string& name = *tag->find("name");
      const std::string& content = *tag->find("content");
      if (ascii_iequal(name, "pypi:repository-version")) check_api_version(url, trim(content), page.notes);
      if (ascii_iequal(name, "pypi:project-status")) status = content;
      if (ascii_iequal(name, "pypi:project-status-reason")) reason = content;
    }
  }
  if (reader.is_cut()) throw_page_error(url, "is no whole HTML page: it ends within a tag or a comment");
  if (tags == 0) throw_page_error(url, "is no HTML page");
  for (const HtmlTag& tag : links) {
    page.files.push_back(read_link(url, base, tag, without_space(*tag.find("href"))));
  }
  note_faults(page, url, 0);
  apply_status(page, trim(status), reason);
  return page;
}

}  // namespace axle
