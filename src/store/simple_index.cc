#include "axle/store/simple_index.h"

#include <dirent.h>
#include <fcntl.h>

#include <algorithm>

#include "axle/base/error.h"
#include "axle/base/rel_path.h"
#include "base/fd.h"
#include "base/interrupt.h"
#include "base/text.h"
#include "store/http_url.h"
#include "store/simple_index_link.h"

namespace axle {
namespace {

// Pages of this many projects are in memory at one time.
constexpr std::size_t batch = 128;

const std::string accept_header =
    "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1";

bool is_json(const Page& page) {
  const std::string_view type = page.content_type;
  if (type == "application/vnd.pypi.simple.v1+json" || type == "application/json") return true;
  if (type == "application/vnd.pypi.simple.v1+html" || type == "text/html" ||
      type == "application/xhtml+xml") {
    return false;
  }
  if (type.empty()) return trim(page.body).starts_with('{');
  throw_page_error(page.url, "is no index page: the server calls it " + quoted(type));
}

// What a server sent that cannot be used is its failure, not that of the user's files: exit status 7.
ProjectPage read_page(const Page& page, const std::string& package) {
  try {
    return is_json(page) ? parse_simple_json(page.body, page.url) : parse_simple_html(page.body, page.url);
  } catch (const Error& error) {
    const ErrorCode code = error.code() == ErrorCode::bad_input ? ErrorCode::io : error.code();
    const std::string& what = error.message();
    throw Error(code, error.place(), package.empty() ? what : package + ": the index page " + what,
                error.hint().empty() ? "check the index URL" : error.hint());
  }
}

void check_name(const std::string& name) {
  const auto fits = [](char c) { return is_alnum(c) || c == '-' || c == '_' || c == '.'; };
  if (name.empty() || !is_alnum(name.front()) || !std::all_of(name.begin(), name.end(), fits)) {
    throw Error(ErrorCode::bad_input, quoted(name) + " is no name of a distribution");
  }
}

// spec: PEP 503: "/<project>/", with its slash. A query of the index URL stays.
std::string project_url(const std::string& index_url, const std::string& name) {
  const std::string before = index_url.substr(0, index_url.find('#'));
  const std::size_t query = std::min(before.find('?'), before.size());
  std::string url = before.substr(0, query);
  while (url.ends_with('/')) url.pop_back();
  return url + "/" + name + "/" + before.substr(query);
}

std::vector<std::optional<Page>> fetch_project_pages(Fetcher& fetcher, const std::string& index_url,
                                                     std::span<const std::string> names) {
  const auto ask = [&](const std::string& file) {
    std::vector<PageRequest> requests;
    for (const std::string& name : names)
      requests.push_back({project_url(index_url, name) + file, name, accept_header});
    return fetcher.fetch_pages(requests);
  };
  if (find_scheme(index_url) != "file") return ask("");
  auto pages = ask("index.json");
  auto html = ask("index.html");
  for (std::size_t i = 0; i < pages.size(); ++i) {
    if (!pages[i]) pages[i] = std::move(html[i]);
  }
  return pages;
}

}  // namespace

std::vector<std::optional<IndexProject>> fetch_projects(Fetcher& fetcher,
                                                        std::span<const std::string> index_urls,
                                                        std::span<const std::string> names) {
  std::for_each(names.begin(), names.end(), check_name);
  std::vector<std::optional<IndexProject>> found(names.size());
  for (const std::string& index_url : index_urls) {
    std::vector<std::size_t> open;
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (!found[i]) open.push_back(i);
    }
    for (std::size_t begin = 0; begin < open.size(); begin += batch) {
      const std::size_t end = std::min(begin + batch, open.size());
      std::vector<std::string> asked;
      for (std::size_t i = begin; i < end; ++i) asked.push_back(names[open[i]]);
      const auto pages = fetch_project_pages(fetcher, index_url, asked);
      for (std::size_t i = begin; i < end; ++i) {
        throw_if_interrupted();
        const auto& page = pages[i - begin];
        if (page) found[open[i]] = IndexProject{index_url, read_page(*page, names[open[i]])};
      }
    }
  }
  return found;
}

std::vector<IndexFile> fetch_links(Fetcher& fetcher, const std::string& location) {
  const bool is_path = location.starts_with('/');
  const auto path = is_path ? std::optional(location) : find_file_url_path(location);
  const auto directory = path ? try_open_dir(AT_FDCWD, *path) : std::nullopt;
  if (directory) {
    std::string prefix = *path;
    while (prefix.ends_with('/')) prefix.pop_back();
    std::vector<IndexFile> files;
    for (const DirEntry& entry : list_dir(directory->get(), ".")) {
      if (entry.type == DT_DIR || !is_archive_name(entry.name) || !RelPath::try_parse(entry.name)) continue;
      IndexFile file;
      file.filename = entry.name;
      file.url = make_file_url(prefix + "/" + entry.name);
      files.push_back(std::move(file));
    }
    return files;
  }
  const std::vector<PageRequest> request{{path ? make_file_url(*path) : location, "", accept_header}};
  const auto pages = fetcher.fetch_pages(request);
  if (!pages[0]) {
    throw Error(ErrorCode::io, Place{redact_url(location)}, "there is no such directory or page",
                "check --find-links");
  }
  return read_page(*pages[0], "").files;
}

}  // namespace axle
