// The JSON forms of what CPython's build leaves in the standard library.

#include <simdjson.h>

#include "base/text.h"
#include "env/sysconfig_data.h"

namespace axle {
namespace {

namespace dom = simdjson::dom;

std::string text_of(const dom::element& element) {
  std::string_view text;
  if (element.get(text) == simdjson::SUCCESS) return std::string(text);
  std::int64_t number = 0;
  if (element.get(number) == simdjson::SUCCESS) return std::to_string(number);
  return {};
}

std::string text_at(const dom::element& object, std::string_view pointer) {
  dom::element element;
  if (object.at_pointer(pointer).get(element) != simdjson::SUCCESS) return {};
  return text_of(element);
}

bool is_small_number(std::string_view text) {
  if (text.empty() || text.size() > 4) return false;
  for (char c : text) {
    if (!is_digit(c)) return false;
  }
  return true;
}

// "3.15.0rc1" of {major, minor, micro, releaselevel, serial}; "" when a part is missing.
std::string version_at(const dom::element& object, const std::string& pointer) {
  const std::string major = text_at(object, pointer + "/major");
  const std::string minor = text_at(object, pointer + "/minor");
  const std::string micro = text_at(object, pointer + "/micro");
  if (!is_small_number(major) || !is_small_number(minor) || !is_small_number(micro)) return {};
  std::string version = major + "." + minor + "." + micro;
  const std::string level = text_at(object, pointer + "/releaselevel");
  const std::string serial = text_at(object, pointer + "/serial");
  const std::string letter = level == "alpha"       ? "a"
                             : level == "beta"      ? "b"
                             : level == "candidate" ? "rc"
                                                    : "";
  if (!letter.empty() && is_small_number(serial)) version += letter + serial;
  return version;
}

}  // namespace

std::optional<SysconfigVars> parse_sysconfig_json(std::string_view text) {
  dom::parser parser;
  dom::element document;
  if (parser.parse(text.data(), text.size()).get(document) != simdjson::SUCCESS || !document.is_object()) {
    return std::nullopt;
  }
  SysconfigVars vars;
  vars.version = text_at(document, "/VERSION");
  vars.abi_flags = text_at(document, "/ABIFLAGS");
  vars.ext_suffix = text_at(document, "/EXT_SUFFIX");
  vars.soabi = text_at(document, "/SOABI");
  vars.platlibdir = text_at(document, "/PLATLIBDIR");
  vars.multiarch = text_at(document, "/MULTIARCH");
  vars.free_threaded = text_at(document, "/Py_GIL_DISABLED") == "1";
  vars.debug = text_at(document, "/Py_DEBUG") == "1";
  if (vars.version.empty()) return std::nullopt;
  return vars;
}

std::optional<BuildDetails> parse_build_details(std::string_view text) {
  dom::parser parser;
  dom::element document;
  if (parser.parse(text.data(), text.size()).get(document) != simdjson::SUCCESS || !document.is_object()) {
    return std::nullopt;
  }
  if (!text_at(document, "/schema_version").starts_with("1.")) return std::nullopt;
  BuildDetails details;
  details.version = version_at(document, "/language/version_info");
  details.implementation = text_at(document, "/implementation/name");
  details.implementation_version = version_at(document, "/implementation/version");
  details.cache_tag = text_at(document, "/implementation/cache_tag");
  details.ext_suffix = text_at(document, "/abi/extension_suffix");
  if (details.version.empty()) details.version = details.implementation_version;
  dom::array flags;
  if (document.at_pointer("/abi/flags").get(flags) == simdjson::SUCCESS) {
    for (const dom::element& flag : flags) {
      details.free_threaded = details.free_threaded || text_of(flag) == "t";
      details.debug = details.debug || text_of(flag) == "d";
    }
  }
  if (details.version.empty() || details.implementation.empty()) return std::nullopt;
  return details;
}

}  // namespace axle
