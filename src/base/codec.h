#pragma once
// The byte form of axle's own small files (receipt, journal, indexes): little-endian varints and
// length-prefixed strings behind a magic word, with a SHA-256 of all at the end. Reading never trusts a
// length.

#include <cstdint>
#include <string>
#include <string_view>

#include "axle/base/digest.h"

namespace axle {

class Encoder {
 public:
  explicit Encoder(std::string_view magic) : bytes_(magic) {}

  void number(std::uint64_t value);
  void signed_number(std::int64_t value);
  void text(std::string_view value);
  void digest(const Sha256& value);
  // The whole, with its check sum.
  std::string finish();

 private:
  std::string bytes_;
};

class Decoder {
 public:
  // Throws Error(bad_input) naming `name` unless `bytes` begins with `magic` and its check sum holds.
  Decoder(std::string_view bytes, std::string_view magic, std::string_view name);

  std::uint64_t number();
  std::int64_t signed_number();
  std::string_view text();  // into the bytes given
  Sha256 digest();
  // A count of things that take at least one byte each, so that it can be reserved for.
  std::size_t count();
  bool at_end() const noexcept { return rest_.empty(); }

  [[noreturn]] void fail(std::string_view what) const;

 private:
  std::string_view rest_;
  std::string name_;
};

}  // namespace axle
