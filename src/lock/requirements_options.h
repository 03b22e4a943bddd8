#pragma once
// The options that lines of a requirements file may hold. spec: pip, "Requirements File Format".

#include <optional>
#include <string_view>

namespace axle::lockfile {

enum class OptionKind {
  requirement_file,
  constraint_file,
  editable,
  index_url,
  extra_index_url,
  find_links,
  no_binary,
  only_binary,
  no_index,
  require_hashes,
  ignored,
  ignored_with_value,
};

// By its short or long name; nullopt for an option that is unknown in such files.
std::optional<OptionKind> find_option(std::string_view name) noexcept;
bool takes_value(OptionKind kind) noexcept;

}  // namespace axle::lockfile
