#pragma once
// A natural number of any length, as versions and build tags hold them.

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace axle {

// Compares by value; a number below 10^18 costs no allocation. Pure and thread-safe.
class Natural {
 public:
  // As CPython's limit for int(): a longer text is no number.
  static constexpr std::size_t max_digits = 4300;

  Natural() = default;
  explicit Natural(std::uint64_t value);

  // nullopt unless `digits` is 1 to max_digits ASCII digits. Leading zeros mean nothing.
  static std::optional<Natural> try_parse(std::string_view digits);

  bool is_zero() const noexcept { return small_ == 0 && large_.empty(); }
  std::string str() const;
  // nullopt when it does not fit.
  std::optional<std::uint64_t> to_uint64() const noexcept;

  friend bool operator==(const Natural&, const Natural&) = default;
  friend std::strong_ordering operator<=>(const Natural& a, const Natural& b) noexcept;

 private:
  std::uint64_t small_ = 0;  // the value, when large_ is empty
  std::string large_;        // the digits without leading zeros of a number of 19 digits or more
};

}  // namespace axle
