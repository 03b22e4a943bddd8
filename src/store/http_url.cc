#include "store/http_url.h"

#include <curl/curl.h>

#include <memory>

#include "axle/store/fetch.h"
#include "base/text.h"

namespace axle {
namespace {

using Handle = std::unique_ptr<CURLU, decltype(&curl_url_cleanup)>;

std::string part_of(CURLU* url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, flags) != CURLUE_OK) return {};
  std::string copy(text);
  curl_free(text);
  return copy;
}

bool is_http(std::string_view scheme) { return scheme == "http" || scheme == "https"; }

bool is_unreserved(char c) {
  return is_alnum(c) || std::string_view("-._~/!$&'()*+,;=:@").find(c) != std::string_view::npos;
}

// Files are opened by axle, so here it is axle's own reading that counts.
std::optional<Url> parse_file_url(std::string_view text) {
  const auto path = find_file_url_path(text);
  if (!path) return std::nullopt;
  Url url;
  url.scheme = "file";
  url.text = make_file_url(*path);
  url.path = url.text.substr(7);
  const std::size_t fragment = text.find('#');
  if (fragment != std::string_view::npos) url.fragment = text.substr(fragment + 1);
  return url;
}

}  // namespace

std::string find_scheme(std::string_view text) {
  const std::size_t end = text.find(':');
  if (end == std::string_view::npos || end == 0 || !is_alpha(text[0])) return {};
  for (const char c : text.substr(0, end)) {
    if (!is_alnum(c) && c != '+' && c != '-' && c != '.') return {};
  }
  return ascii_lower(text.substr(0, end));
}

std::optional<Url> parse_url(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return std::nullopt;
  const std::string scheme = find_scheme(text);
  if (scheme == "file") return parse_file_url(text);
  if (!is_http(scheme)) return std::nullopt;
  const Handle handle(curl_url(), &curl_url_cleanup);
  if (handle == nullptr) throw std::bad_alloc();
  if (curl_url_set(handle.get(), CURLUPART_URL, std::string(text).c_str(), 0) != CURLUE_OK)
    return std::nullopt;
  Url url;
  url.scheme = scheme;
  url.host = ascii_lower(part_of(handle.get(), CURLUPART_HOST));
  // libcurl forgives "https:///host"; nobody means that.
  const std::string_view after = text.substr(scheme.size() + 1);
  if (url.host.empty() || !after.starts_with("//") || after.starts_with("///")) return std::nullopt;
  url.port = part_of(handle.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT);
  url.user = part_of(handle.get(), CURLUPART_USER, CURLU_URLDECODE);
  url.password = part_of(handle.get(), CURLUPART_PASSWORD, CURLU_URLDECODE);
  url.path = part_of(handle.get(), CURLUPART_PATH);
  url.fragment = part_of(handle.get(), CURLUPART_FRAGMENT);
  for (const CURLUPart part : {CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_FRAGMENT}) {
    curl_url_set(handle.get(), part, nullptr, 0);
  }
  url.text = part_of(handle.get(), CURLUPART_URL);
  return url.text.empty() ? std::nullopt : std::optional(url);
}

std::optional<std::string> resolve_url(const std::string& base, std::string_view reference) {
  if (reference.find('\0') != std::string_view::npos) return std::nullopt;
  // A reference with a scheme stands for itself (libcurl would take "mailto:x" for a relative path).
  if (!find_scheme(reference).empty()) return std::string(reference);
  const std::size_t fragment = reference.find('#');
  const std::string before(reference.substr(0, fragment));
  const std::string after(fragment == std::string_view::npos ? "" : reference.substr(fragment));
  if (before.empty()) return base.substr(0, base.find('#')) + after;
  const Handle handle(curl_url(), &curl_url_cleanup);
  if (handle == nullptr) throw std::bad_alloc();
  if (curl_url_set(handle.get(), CURLUPART_URL, base.c_str(), 0) != CURLUE_OK) return std::nullopt;
  curl_url_set(handle.get(), CURLUPART_FRAGMENT, nullptr, 0);
  if (curl_url_set(handle.get(), CURLUPART_URL, before.c_str(), CURLU_URLENCODE) != CURLUE_OK)
    return std::nullopt;
  const std::string url = part_of(handle.get(), CURLUPART_URL);
  if (url.empty()) return std::nullopt;
  return url + after;
}

std::string redact_url(std::string_view url) {
  std::string_view rest = url.substr(0, url.find('#'));
  const std::size_t query = rest.find('?');
  const std::string_view tail = query == std::string_view::npos ? "" : "?****";
  rest = rest.substr(0, query);
  const std::size_t slashes = rest.find("://");
  std::string_view scheme;
  if (slashes != std::string_view::npos) {
    scheme = rest.substr(0, slashes + 3);
    rest = rest.substr(slashes + 3);
  }
  // A password with a '/' or '?' in it makes the text no URL: then everything that may be one goes.
  const bool parses = find_scheme(url) == "file" || parse_url(url).has_value();
  const std::string_view authority = parses ? rest.substr(0, rest.find('/')) : rest;
  const std::size_t at = authority.rfind('@');
  const bool secret = at != std::string_view::npos;
  if (secret) rest = rest.substr(at + 1);
  if (!parses && url.rfind('@') != std::string_view::npos && !secret) {
    return std::string(scheme) + "****@" + std::string(url.substr(url.rfind('@') + 1));
  }
  return std::string(scheme) + (secret ? "****@" : "") + std::string(rest) + std::string(tail);
}

std::string make_file_url(std::string_view path) {
  std::string url = "file://";
  for (const char c : path) {
    if (is_unreserved(c)) {
      url += c;
    } else {
      url += '%';
      url += to_hex(std::string_view(&c, 1));
    }
  }
  return url;
}

std::optional<std::string> find_file_url_path(std::string_view url) {
  if (find_scheme(url) != "file") return std::nullopt;
  url = url.substr(5);
  url = url.substr(0, url.find_first_of("?#"));
  if (url.starts_with("//")) {
    url = url.substr(2);
    if (url.starts_with("localhost/")) url = url.substr(9);
  }
  if (!url.starts_with('/')) return std::nullopt;
  auto path = percent_decode(url);
  if (!path || path->find('\0') != std::string::npos) return std::nullopt;
  return path;
}

}  // namespace axle
