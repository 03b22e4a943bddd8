#pragma once
// The simple repository API. spec: PEP 503 (HTML), PEP 691 (JSON), 592 (yank), 629 (version), 700, 792
// (status); PEP 658/714 metadata files are ignored: axle reads metadata from the wheel itself.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "axle/base/diagnostic.h"
#include "axle/base/digest.h"
#include "axle/store/fetch.h"

namespace axle {

// One file that an index offers.
struct IndexFile {
  std::string filename;               // one safe path component
  std::string url;                    // absolute: http, https or file; without fragment, user and password
  std::vector<Hash> hashes;           // only strong ones, sorted
  std::vector<Hash> checksums;        // md5 and sha1: they find accidents, and pin nothing
  std::optional<std::uint64_t> size;  // bytes
  std::string requires_python;        // as written; "" when absent
  std::optional<std::string> yanked;  // the reason, perhaps ""
  std::string upload_time;            // RFC 3339 as written; "" when absent
  std::string fault;                  // not "": what is wrong with the page's words about it; never fetch it

  friend bool operator==(const IndexFile&, const IndexFile&) = default;
};

// What an index says about one project.
struct ProjectPage {
  std::vector<IndexFile> files;  // in the page's order
  std::string
      status;  // "active", "archived", "deprecated", "quarantined"; a quarantined project has no files
  Diagnostics notes;
};

// Text → value. `url` is the page's own: relative links are resolved against it, and against <base href>.
// Throws Error(bad_input) for a page that is malformed as a whole or offers a hostile file name;
// Error(unsupported) for another major version of the API. One file of which something else is malformed, or
// with a link to where a server may not lead, has a `fault`, and the others are none the worse. Thread-safe.
ProjectPage parse_simple_json(std::string_view text, const std::string& url);
// Links whose last path component does not look like an archive (.whl, .tar.gz, .zip, ...) are no files.
ProjectPage parse_simple_html(std::string_view text, const std::string& url);

// What was found for one name, and where.
struct IndexProject {
  std::string index_url;  // as given
  ProjectPage page;
};

// Asks `index_urls` in order for each of `names` (normalised names, PEP 503): the first index that knows a
// name is the only one that is asked for it, whatever it offers, so that a name cannot be taken over by
// another index. nullopt where none knows it. An index is "https://host/simple" or a file URL of a directory
// of that shape (with <name>/index.json or <name>/index.html). Throws as Fetcher does; a broken page is
// Error(io).
std::vector<std::optional<IndexProject>> fetch_projects(Fetcher& fetcher,
                                                        std::span<const std::string> index_urls,
                                                        std::span<const std::string> names);

// The files of a --find-links place: an absolute path or file URL of a directory of archives (not below it)
// or of an HTML page, or the URL of a page. All projects; sorted by name for a directory, else in the page's
// order.
std::vector<IndexFile> fetch_links(Fetcher& fetcher, const std::string& location);

}  // namespace axle
