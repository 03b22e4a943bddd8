#include "store/simple_index_link.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "axle/base/error.h"
#include "axle/base/rel_path.h"
#include "base/text.h"
#include "store/http_url.h"

namespace axle {
namespace {

constexpr unsigned newest_minor = 4;

std::optional<unsigned> parse_number(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

void throw_page_error(const std::string& url, const std::string& what) {
  throw Error(ErrorCode::bad_input, Place{redact_url(url)}, what);
}

void check_filename(const std::string& url, std::string_view filename) {
  if (filename.find('/') != std::string_view::npos) {
    throw_page_error(url, "offers a file named " + quoted(filename) + ", which is no plain file name");
  }
  if (const char* fault = rel_path_fault(filename)) {
    throw_page_error(url, "offers a file named " + quoted(filename) + ", which " + fault);
  }
}

bool is_archive_name(std::string_view filename) {
  constexpr std::array<std::string_view, 9> endings{".whl", ".tar.gz", ".zip", ".tar.bz2", ".tgz",
                                                    ".tar", ".tar.xz", ".tbz", ".egg"};
  const std::string lower = ascii_lower(filename);
  return std::any_of(endings.begin(), endings.end(),
                     [&](std::string_view ending) { return lower.ends_with(ending); });
}

std::string resolve_link(const std::string& page_url, const std::string& base_url,
                         std::string_view reference) {
  const auto target = resolve_url(base_url, reference);
  if (!target)
    throw_page_error(page_url,
                     "has a link that is no URL: " + quoted(reference.substr(0, reference.find('?'))));
  const auto url = parse_url(*target);
  if (!url)
    throw_page_error(page_url, "has a link to " + quoted(redact_url(*target)) + ", which cannot be fetched");
  if (url->scheme == "file" && find_scheme(page_url) != "file") {
    throw_page_error(page_url, "has a link to a local file: " + quoted(redact_url(*target)));
  }
  return url->text;
}

void add_hash(IndexFile& file, std::string_view text) {
  const std::size_t mark = text.find_first_of("=:");
  const auto algorithm = parse_hash_algorithm(text.substr(0, mark));
  if (!algorithm || mark == std::string_view::npos) return;
  auto& hashes = is_strong(*algorithm) ? file.hashes : file.checksums;
  const Hash hash = Hash::parse(text);
  hashes.insert(std::upper_bound(hashes.begin(), hashes.end(), hash), hash);
}

void note_faults(ProjectPage& page, const std::string& url, std::size_t nameless) {
  std::size_t count = nameless;
  std::string first = "an entry that names no file";
  for (const IndexFile& file : page.files) {
    if (file.fault.empty()) continue;
    if (count++ == 0) first = quoted(file.filename) + ": " + file.fault;
  }
  if (count == 0) return;
  page.notes.push_back({Severity::note, "index-entry", "", redact_url(url),
                        "passed over " + std::to_string(count) + " malformed " +
                            (count == 1 ? "entry" : "entries") + " of the index page: " + first,
                        ""});
}

void check_api_version(const std::string& url, std::string_view version, Diagnostics& notes) {
  const std::size_t dot = version.find('.');
  const auto major = parse_number(version.substr(0, dot));
  const auto minor = dot == std::string_view::npos ? std::nullopt : parse_number(version.substr(dot + 1));
  if (!major || !minor) throw_page_error(url, "has API version " + quoted(version) + ", which is no version");
  if (*major != 1) {
    throw Error(
        ErrorCode::unsupported, Place{redact_url(url)},
        "the index speaks version " + std::to_string(*major) + " of the simple API; version 1 is supported",
        "use a newer axle");
  }
  if (*minor > newest_minor) {
    notes.push_back({Severity::note, "index-version", "", "",
                     redact_url(url) + " speaks version 1." + std::to_string(*minor) +
                         " of the simple API, newer than axle knows",
                     ""});
  }
}

void apply_status(ProjectPage& page, std::string_view status, std::string_view reason) {
  page.status = ascii_lower(status);
  if (page.status != "quarantined") return;
  page.files.clear();
  page.notes.push_back({Severity::warning, "quarantined", "", "",
                        "the index has quarantined this project" +
                            (reason.empty() ? std::string() : ": " + quoted(reason)) +
                            "; its files are not used",
                        ""});
}

}  // namespace axle
