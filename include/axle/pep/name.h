#pragma once
// Names of distributions and extras. Pure and thread-safe.

#include <string>
#include <string_view>

namespace axle {

// spec: core metadata "Name": ASCII letters, digits, '.', '_' and '-', beginning and ending with a letter or
// a digit. A trailing newline is no part of a name.
bool is_valid_name(std::string_view name) noexcept;

// spec: PEP 503: lower case, every run of '-', '_' and '.' is one '-'. Total: a name that is not valid is
// normalized as far as the rule goes.
std::string normalize_name(std::string_view name);

}  // namespace axle
