#include "cli/link_url.h"

#include <algorithm>

#include "base/text.h"

namespace axle::cli {
namespace {

bool is_hex(char c) noexcept { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

// A name or an IPv4 address, with user and port perhaps. (Nobody's home page has the address [::1].)
bool is_authority(std::string_view text) noexcept {
  const std::size_t at = text.rfind('@');
  const std::string_view host_port = at == std::string_view::npos ? text : text.substr(at + 1);
  const std::size_t colon = host_port.find(':');
  const std::string_view host = host_port.substr(0, colon);
  const std::string_view port =
      colon == std::string_view::npos ? std::string_view() : host_port.substr(colon + 1);
  const auto is_host = [](char c) {
    return is_alnum(c) || c == '.' || c == '-' || c == '_' || static_cast<unsigned char>(c) >= 0x80;
  };
  const auto is_user = [&](char c) { return is_host(c) || c == ':'; };
  return !host.empty() && std::all_of(host.begin(), host.end(), is_host) &&
         std::all_of(port.begin(), port.end(), is_digit) &&
         (at == std::string_view::npos ||
          std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), is_user));
}

}  // namespace

std::optional<std::string> link_url(std::string_view text) {
  const std::size_t slashes = text.find("://");
  if (slashes == std::string_view::npos) return std::nullopt;
  const std::string scheme = ascii_lower(text.substr(0, slashes));
  if (scheme != "http" && scheme != "https") return std::nullopt;
  const std::string_view rest = text.substr(slashes + 3);
  const std::size_t end = std::min(rest.find_first_of("/?#"), rest.size());
  if (!is_authority(rest.substr(0, end))) return std::nullopt;

  std::string url = scheme + "://" + std::string(rest.substr(0, end));
  bool in_fragment = false;
  for (std::size_t i = end; i < rest.size(); ++i) {
    const char c = rest[i];
    // Text around a link, or a template: where it leads is anybody's guess.
    if (static_cast<unsigned char>(c) <= ' ' || c == '\x7f' ||
        std::string_view("\"<>\\^`{|}").find(c) != std::string_view::npos)
      return std::nullopt;
    const bool lone_percent =
        c == '%' && (i + 2 >= rest.size() || !is_hex(rest[i + 1]) || !is_hex(rest[i + 2]));
    if (lone_percent) {
      url += "%25";
    } else if (c == '[') {
      url += "%5B";
    } else if (c == ']') {
      url += "%5D";
    } else if (c == '#' && in_fragment) {
      url += "%23";
    } else {
      url += c;
    }
    in_fragment = in_fragment || c == '#';
  }
  return url;
}

}  // namespace axle::cli
