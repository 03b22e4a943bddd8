#include "base/codec.h"

#include <cstring>

#include "axle/base/error.h"

namespace axle {
namespace {
constexpr std::size_t sum_size = 32;
}

void Encoder::number(std::uint64_t value) {
  while (value >= 0x80) {
    bytes_ += static_cast<char>(value | 0x80);
    value >>= 7;
  }
  bytes_ += static_cast<char>(value);
}

void Encoder::signed_number(std::int64_t value) {
  const auto raw = static_cast<std::uint64_t>(value);
  number((raw << 1) ^ (value < 0 ? ~std::uint64_t{0} : 0));
}

void Encoder::text(std::string_view value) {
  number(value.size());
  bytes_ += value;
}

void Encoder::digest(const Sha256& value) {
  bytes_.append(reinterpret_cast<const char*>(value.bytes.data()), value.bytes.size());
}

std::string Encoder::finish() {
  digest(Sha256::of(bytes_));
  return std::move(bytes_);
}

Decoder::Decoder(std::string_view bytes, std::string_view magic, std::string_view name)
    : rest_(bytes), name_(name) {
  if (!bytes.starts_with(magic) || bytes.size() < magic.size() + sum_size)
    fail("is not of the expected format");
  const std::string_view body = bytes.substr(0, bytes.size() - sum_size);
  const Sha256 sum = Sha256::of(body);
  if (std::memcmp(sum.bytes.data(), bytes.data() + body.size(), sum_size) != 0)
    fail("is damaged: its check sum is wrong");
  rest_ = body.substr(magic.size());
}

void Decoder::fail(std::string_view what) const {
  throw Error(ErrorCode::bad_input, Place{name_}, std::string(what));
}

std::uint64_t Decoder::number() {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (rest_.empty()) fail("ends too early");
    const auto byte = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    value |= std::uint64_t{byte & 0x7fU} << shift;
    if (byte < 0x80) return value;
  }
  fail("has a number that is too long");
}

std::int64_t Decoder::signed_number() {
  const std::uint64_t raw = number();
  return static_cast<std::int64_t>((raw >> 1) ^ ((raw & 1) != 0 ? ~std::uint64_t{0} : 0));
}

std::string_view Decoder::text() {
  const std::uint64_t size = number();
  if (size > rest_.size()) fail("ends too early");
  const std::string_view value = rest_.substr(0, static_cast<std::size_t>(size));
  rest_.remove_prefix(value.size());
  return value;
}

Sha256 Decoder::digest() {
  if (rest_.size() < sum_size) fail("ends too early");
  Sha256 value;
  std::memcpy(value.bytes.data(), rest_.data(), sum_size);
  rest_.remove_prefix(sum_size);
  return value;
}

std::size_t Decoder::count() {
  const std::uint64_t value = number();
  if (value > rest_.size()) fail("has a count larger than itself");
  return static_cast<std::size_t>(value);
}

}  // namespace axle
