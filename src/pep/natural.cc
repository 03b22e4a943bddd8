#include <axle/pep/natural.h>

#include <algorithm>
#include <charconv>

#include "base/text.h"

namespace axle {
namespace {

// Every number of 18 digits fits into 64 bits.
constexpr std::size_t small_digits = 18;
constexpr std::uint64_t small_end = 1'000'000'000'000'000'000;

}  // namespace

Natural::Natural(std::uint64_t value) {
  if (value < small_end) {
    small_ = value;
  } else {
    large_ = std::to_string(value);
  }
}

std::optional<Natural> Natural::try_parse(std::string_view digits) {
  if (digits.empty() || digits.size() > max_digits || !std::all_of(digits.begin(), digits.end(), is_digit)) {
    return std::nullopt;
  }
  digits.remove_prefix(std::min(digits.find_first_not_of('0'), digits.size()));
  Natural number;
  if (digits.size() > small_digits) {
    number.large_ = digits;
  } else {
    for (const char c : digits) number.small_ = number.small_ * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return number;
}

std::string Natural::str() const { return large_.empty() ? std::to_string(small_) : large_; }

std::optional<std::uint64_t> Natural::to_uint64() const noexcept {
  if (large_.empty()) return small_;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(large_.data(), large_.data() + large_.size(), value);
  if (error != std::errc() || end != large_.data() + large_.size()) return std::nullopt;
  return value;
}

std::strong_ordering operator<=>(const Natural& a, const Natural& b) noexcept {
  if (a.large_.size() != b.large_.size()) return a.large_.size() <=> b.large_.size();
  if (a.large_.empty()) return a.small_ <=> b.small_;
  return a.large_.compare(b.large_) <=> 0;
}

}  // namespace axle
