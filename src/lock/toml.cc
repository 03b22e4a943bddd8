#include "lock/toml.h"

#include <algorithm>

#include "base/text.h"

namespace axle::lockfile {

namespace {

// Locks and pyproject.toml have at most ten.
constexpr int max_key_parts = 16;

// Behind a string that begins at `at`; one that is not closed ends with its line, where the parser stops.
std::size_t string_end(std::string_view text, std::size_t at) {
  const char quote = text[at];
  const bool basic = quote == '"';
  if (text.substr(at + 1, 2) == std::string_view(basic ? "\"\"" : "''")) {
    for (at += 3; at < text.size(); ++at) {
      if (basic && text[at] == '\\') {
        ++at;
      } else if (text[at] == quote && text.substr(at + 1, 2) == std::string_view(basic ? "\"\"" : "''")) {
        // Up to two quotes before the closing three belong to the string.
        at += 3;
        for (int i = 0; i < 2 && at < text.size() && text[at] == quote; ++i) ++at;
        return at;
      }
    }
    return text.size();
  }
  for (++at; at < text.size() && text[at] != '\n'; ++at) {
    if (basic && text[at] == '\\') {
      ++at;
    } else if (text[at] == quote) {
      return at + 1;
    }
  }
  return std::min(at, text.size());
}

}  // namespace

std::optional<toml::source_position> find_deep_key(std::string_view text) {
  int dots = 0;
  for (std::size_t at = 0; at < text.size();) {
    switch (text[at]) {
      case '"':
      case '\'':
        at = string_end(text, at);
        continue;
      case '#':
        at = std::min(text.find('\n', at), text.size());
        continue;
      case '.':
        if (++dots >= max_key_parts) {
          const std::string_view before = text.substr(0, at);
          const auto line = std::count(before.begin(), before.end(), '\n') + 1;
          return toml::source_position{static_cast<toml::source_index>(line),
                                       static_cast<toml::source_index>(at - (before.rfind('\n') + 1) + 1)};
        }
        break;
      case '=':
      case ',':
      case '[':
      case '{':
      case '\n':
        dots = 0;
        break;
      default:
        break;
    }
    ++at;
  }
  return std::nullopt;
}

toml::table TomlReader::parse(std::string_view text) const {
  const LockPlace start{file_, 1, 1};
  if (!is_utf8(text)) {
    draft_.fail(start, "the file is not UTF-8");
  }
  if (const auto at = find_deep_key(text)) {
    draft_.fail({file_, at->line, at->column}, "not TOML: a key of too many parts");
  }
  try {
    return toml::parse(text);
  } catch (const toml::parse_error& error) {
    const toml::source_position at = error.source().begin;
    draft_.fail({file_, at.line, at.column}, "not TOML: " + std::string(error.description()));
  }
}

LockPlace TomlReader::place(const toml::node& node) const {
  const toml::source_position at = node.source().begin;
  return {file_, at.line, at.column};
}

namespace {

std::string kind_of(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "an array";
    case toml::node_type::string:
      return "a string";
    case toml::node_type::integer:
      return "an integer";
    case toml::node_type::boolean:
      return "a boolean";
    default:
      return "another value";
  }
}

}  // namespace

const std::string& TomlReader::as_string(const toml::node& node, std::string_view what) const {
  if (const auto* text = node.as_string()) return text->get();
  fail(node, quoted(what) + " must be a string, not " + kind_of(node));
}

const toml::table& TomlReader::as_table(const toml::node& node, std::string_view what) const {
  if (const auto* table = node.as_table()) return *table;
  fail(node, quoted(what) + " must be a table, not " + kind_of(node));
}

const std::string* TomlReader::string(const toml::table& table, std::string_view key) const {
  const toml::node* node = table.get(key);
  return node ? &as_string(*node, key) : nullptr;
}

const toml::table* TomlReader::table(const toml::table& table, std::string_view key) const {
  const toml::node* node = table.get(key);
  return node ? &as_table(*node, key) : nullptr;
}

const toml::array* TomlReader::array(const toml::table& table, std::string_view key) const {
  const toml::node* node = table.get(key);
  if (!node) return nullptr;
  if (const auto* array = node->as_array()) return array;
  fail(*node, quoted(key) + " must be an array, not " + kind_of(*node));
}

bool TomlReader::flag(const toml::table& table, std::string_view key) const {
  const toml::node* node = table.get(key);
  if (!node) return false;
  if (const auto* value = node->as_boolean()) return value->get();
  fail(*node, quoted(key) + " must be a boolean, not " + kind_of(*node));
}

std::optional<std::int64_t> TomlReader::integer(const toml::table& table, std::string_view key) const {
  const toml::node* node = table.get(key);
  if (!node) return std::nullopt;
  if (const auto* value = node->as_integer()) return value->get();
  fail(*node, quoted(key) + " must be an integer, not " + kind_of(*node));
}

const std::string& TomlReader::need_string(const toml::table& table, std::string_view key) const {
  if (const std::string* text = string(table, key)) return *text;
  fail(table, quoted(key) + " is missing");
}

void TomlReader::fail(const toml::node& node, const std::string& message, std::string hint) const {
  draft_.fail(place(node), message, std::move(hint));
}

}  // namespace axle::lockfile
