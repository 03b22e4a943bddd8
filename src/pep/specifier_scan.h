#pragma once
// The grammar of one specifier clause, for specifiers and for requirements.

#include <axle/pep/specifier.h>

#include <cstddef>
#include <optional>
#include <string_view>

namespace axle {

struct SpecifierScan {
  SpecifierOperator op = SpecifierOperator::equal;
  std::string_view version;  // without white space around it and without ".*"
  bool prefix = false;       // ".*" follows
  std::size_t end = 0;       // the length of the clause
};

// The longest clause at the front of the text, nullopt when there is none. No white space before it is
// skipped.
std::optional<SpecifierScan> scan_specifier(std::string_view text) noexcept;

}  // namespace axle
