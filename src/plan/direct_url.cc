// direct_url.json. spec: "Recording the Direct URL Origin of installed distributions".

#include "axle/plan/direct_url.h"

#include "axle/plan/select.h"
#include "base/text.h"

namespace axle {
namespace {

// spec: user and password are left out, but for environment variables in the form ${NAME}.
std::string without_secrets(const std::string& url) {
  const auto scheme = url.find("://");
  if (scheme == std::string::npos) return url;
  const auto host = scheme + 3;
  const auto end = url.find_first_of("/?#", host);
  const auto at = url.rfind('@', end == std::string::npos ? url.size() : end);
  if (at == std::string::npos || at < host) return url;
  const auto is_variable = [](std::string_view part) {
    return part.size() > 3 && part.starts_with("${") && part.find('}') == part.size() - 1;
  };
  const std::string_view user = std::string_view(url).substr(host, at - host);
  const auto colon = user.find(':');
  const bool harmless = colon == std::string_view::npos
                            ? is_variable(user)
                            : is_variable(user.substr(0, colon)) && is_variable(user.substr(colon + 1));
  return harmless ? url : url.substr(0, host) + url.substr(at + 1);
}

std::string file_url(std::string_view path) {
  std::string url = "file://";
  for (const char c : path) {
    if (is_alnum(c) || c == '/' || c == '-' || c == '.' || c == '_' || c == '~' || c == '+') {
      url += c;
    } else {
      static constexpr char digits[] = "0123456789ABCDEF";
      const auto byte = static_cast<unsigned char>(c);
      url += '%';
      url += digits[byte >> 4];
      url += digits[byte & 15];
    }
  }
  return url;
}

std::string json_string(std::string_view text) {
  std::string json = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      json += '\\';
      json += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      static constexpr char digits[] = "0123456789abcdef";
      json += "\\u00";
      json += digits[static_cast<unsigned char>(c) >> 4];
      json += digits[c & 15];
    } else {
      json += c;
    }
  }
  return json + "\"";
}

}  // namespace

std::string render_direct_url(const DirectUrl& direct, std::string_view absolute_path) {
  std::string json = "{\"archive_info\": {";
  if (!direct.hashes.empty()) {
    json += "\"hashes\": {";
    bool first = true;
    for (const Hash& hash : direct.hashes) {
      json += (first ? "" : ", ") + json_string(to_string(hash.algorithm)) + ": " + json_string(hash.hex);
      first = false;
    }
    json += "}";
  }
  json += "}, ";
  if (!direct.subdirectory.empty()) json += "\"subdirectory\": " + json_string(direct.subdirectory) + ", ";
  return json + "\"url\": " +
         json_string(direct.url.empty() ? file_url(absolute_path) : without_secrets(direct.url)) + "}";
}

std::string render_editable_url(std::string_view directory) {
  return "{\"dir_info\": {\"editable\": true}, \"url\": " + json_string(file_url(directory)) + "}";
}

}  // namespace axle
