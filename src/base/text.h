#pragma once
// Small questions about text that more than one room asks.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace axle {

// ASCII only, whatever the locale.
constexpr bool is_space(char c) noexcept { return c == ' ' || (c >= '\t' && c <= '\r'); }
constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
constexpr bool is_alpha(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
constexpr bool is_alnum(char c) noexcept { return is_digit(c) || is_alpha(c); }
constexpr char to_lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

std::string ascii_lower(std::string_view text);
bool ascii_iequal(std::string_view a, std::string_view b) noexcept;

// Without white space at both ends.
std::string_view trim(std::string_view text) noexcept;
// All pieces between separators: "a,,b" gives three, "" gives one.
std::vector<std::string_view> split(std::string_view text, char separator);
// Lines without their LF or CRLF; a last line without one counts, an empty rest does not.
std::vector<std::string_view> split_lines(std::string_view text);

// How many bytes both begin with.
std::size_t common_prefix(std::string_view a, std::string_view b) noexcept;

// Well-formed UTF-8 without surrogates and overlong forms (RFC 3629).
bool is_utf8(std::string_view text) noexcept;

// For messages: in double quotes, at most 200 bytes, control characters and invalid bytes as \xNN.
std::string quoted(std::string_view text);

// Decodes %XX once. nullopt when an escape is malformed.
std::optional<std::string> percent_decode(std::string_view text);

// Lower-case hexadecimal.
std::string to_hex(std::string_view bytes);
std::optional<std::string> from_hex(std::string_view hex);

}  // namespace axle
