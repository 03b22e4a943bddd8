#pragma once
// What Python's regular expressions and str methods call white space and lower case: packaging's grammars
// lean on it.

#include <cstddef>
#include <string>
#include <string_view>

namespace axle {

// The length in bytes of the white-space character (str.isspace) at the front of UTF-8 text; 0 when there is
// none.
std::size_t space_at_front(std::string_view text) noexcept;
std::size_t space_at_back(std::string_view text) noexcept;

// The number of bytes of white space at the front.
std::size_t count_spaces(std::string_view text) noexcept;
// Without white space at both ends, as str.strip().
std::string_view strip_spaces(std::string_view text) noexcept;

// The run of ASCII digits at the front, maybe empty.
std::string_view digits_at_front(std::string_view text) noexcept;

}  // namespace axle
