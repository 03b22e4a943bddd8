// The facts file. Only `version` and `platform` must be there: what is left out is what CPython on that
// platform has.

#include <simdjson.h>

#include "axle/base/error.h"
#include "axle/env/interpreter.h"
#include "base/text.h"
#include "env/facts_fields.h"
#include "env/scheme.h"

namespace axle {
namespace {

namespace dom = simdjson::dom;

[[noreturn]] void refuse(std::string_view name, const std::string& what) {
  throw Error(ErrorCode::bad_input, Place{std::string(name)}, what,
              "write it with 'axle python --json PYTHON'");
}

// True when the key is there; its value then is in `into`.
bool read_text(const dom::object& object, std::string_view key, std::string& into, std::string_view name) {
  dom::element element;
  if (object.at_key(key).get(element) != simdjson::SUCCESS || element.is_null()) return false;
  std::string_view text;
  if (element.get(text) != simdjson::SUCCESS) refuse(name, "key " + quoted(key) + " is no text");
  for (char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      refuse(name, "key " + quoted(key) + " holds a control character");
    }
  }
  into = text;
  return true;
}

void read_flag(const dom::object& object, std::string_view key, bool& into, std::string_view name) {
  dom::element element;
  if (object.at_key(key).get(element) != simdjson::SUCCESS || element.is_null()) return;
  if (element.get(into) != simdjson::SUCCESS)
    refuse(name, "key " + quoted(key) + " is neither true nor false");
}

}  // namespace

Interpreter parse_interpreter_facts(std::string_view text, std::string_view name) {
  dom::parser parser;
  dom::element document;
  if (const auto error = parser.parse(text.data(), text.size()).get(document); error != simdjson::SUCCESS) {
    refuse(name, std::string("is not JSON: ") + simdjson::error_message(error));
  }
  dom::object object;
  if (document.get(object) != simdjson::SUCCESS) refuse(name, "is no JSON object");
  dom::element schema;
  if (object.at_key("schema").get(schema) == simdjson::SUCCESS) {
    std::int64_t number = 0;
    if (schema.get(number) != simdjson::SUCCESS || number != 1) {
      throw Error(ErrorCode::unsupported, Place{std::string(name)}, "was written by another version of axle");
    }
  }

  ForeignTarget target;
  if (!read_text(object, "version", target.version, name)) refuse(name, "key \"version\" is missing");
  if (!read_text(object, "platform", target.platform, name)) refuse(name, "key \"platform\" is missing");
  read_text(object, "executable", target.executable, name);
  Interpreter facts;
  try {
    facts = foreign_interpreter(target);
  } catch (const Error& error) {
    refuse(name, error.message());
  }
  facts.foreign = false;
  read_flag(object, "foreign", facts.foreign, name);
  read_flag(object, "free_threaded", facts.free_threaded, name);
  read_flag(object, "debug", facts.debug, name);
  read_flag(object, "system_site_packages", facts.system_site_packages, name);
  facts.found = "facts file";
  bool scheme_follows = false;
  for_each_text_fact(facts, [&](std::string_view key, std::string& field) {
    const bool given = read_text(object, key, field, name);
    if (given && (key == "base_prefix" || key == "platlibdir")) scheme_follows = true;
  });
  std::string stdlib;
  if (scheme_follows || facts.free_threaded || facts.implementation != "cpython") {
    if (!read_text(object, "stdlib", stdlib, name)) facts.stdlib.clear();
    fill_scheme(facts);
  }
  dom::element system;
  if (object.at_key("system").get(system) == simdjson::SUCCESS && !system.is_null()) {
    dom::object paths;
    if (system.get(paths) != simdjson::SUCCESS) refuse(name, "key \"system\" is no object");
    for_each_scheme_path(
        facts.system, [&](std::string_view key, std::string& field) { read_text(paths, key, field, name); });
  }
  return facts;
}

}  // namespace axle
