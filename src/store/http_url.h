#pragma once
// URLs as axle uses them. spec: RFC 3986, by libcurl's parser, so that what is checked is what is connected
// to.

#include <optional>
#include <string>
#include <string_view>

namespace axle {

struct Url {
  std::string scheme;    // lower case
  std::string host;      // lower case; "[...]" for IPv6
  std::string port;      // decimal, the scheme's own when none is written; "" for file
  std::string user;      // decoded
  std::string password;  // decoded
  std::string path;      // still encoded
  std::string fragment;  // still encoded
  std::string text;      // the whole, without user, password and fragment

  // What credentials belong to: "https://host:443".
  std::string origin() const { return scheme + "://" + host + ":" + port; }
};

// nullopt for text that is no absolute URL of the schemes http, https or file.
std::optional<Url> parse_url(std::string_view text);

// What `reference` means on the page `base`, with its fragment; nullopt when that is no URL (of any scheme).
std::optional<std::string> resolve_url(const std::string& base, std::string_view reference);

// The text before ':' when that has the form of a scheme, in lower case; "" otherwise.
std::string find_scheme(std::string_view text);

}  // namespace axle
