#pragma once
// TOML documents with places in errors. The only header of axle that knows toml++; for src/lock/*.cc.

#include <toml++/toml.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lock/draft.h"

namespace axle::lockfile {

// The first dotted key of too many parts ("a.a.a..."), nullopt when there is none. toml++ bounds how deep
// values nest, but not how many tables a key makes, and it frees them by recursion: 100,000 overflow the
// stack.
std::optional<toml::source_position> find_deep_key(std::string_view text);

// Reads values out of one document. Absent keys are absent values; a value of the wrong type is an error at
// its place.
class TomlReader {
 public:
  // `file` is the document's index in Lock::files.
  TomlReader(const Draft& draft, std::uint32_t file) : draft_(draft), file_(file) {}

  // Throws Error(bad_input) for what is no TOML.
  toml::table parse(std::string_view text) const;

  LockPlace place(const toml::node& node) const;

  // nullptr when the key is absent.
  const std::string* string(const toml::table& table, std::string_view key) const;
  const toml::table* table(const toml::table& table, std::string_view key) const;
  const toml::array* array(const toml::table& table, std::string_view key) const;
  bool flag(const toml::table& table, std::string_view key) const;
  std::optional<std::int64_t> integer(const toml::table& table, std::string_view key) const;

  // The same for what must be there.
  const std::string& need_string(const toml::table& table, std::string_view key) const;

  const std::string& as_string(const toml::node& node, std::string_view what) const;
  const toml::table& as_table(const toml::node& node, std::string_view what) const;

  [[noreturn]] void fail(const toml::node& node, const std::string& message, std::string hint = {}) const;

 private:
  const Draft& draft_;
  std::uint32_t file_;
};

}  // namespace axle::lockfile
