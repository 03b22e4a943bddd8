#pragma once
// SHA-256 of many texts at once, faster than one after the other.

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "axle/base/digest.h"

namespace axle {

// digests[i] becomes that of texts[i]; both are equally long. Large texts first make the best of it.
void sha256_each(std::span<const std::string_view> texts, std::span<Sha256> digests);

// A text in pieces: each but the last has a multiple of 64 bytes and is there until the next is asked for;
// "", which is always asked for, after the last.
using Pieces = std::function<std::string_view()>;
std::array<Sha256, 2> sha256_pair(Pieces first, Pieces second);
// digests[i] becomes that of the text that begin(i) gives. Texts are begun in order, two at a time.
void sha256_streams(const std::function<Pieces(std::size_t)>& begin, std::span<Sha256> digests);

// The digest of a text that lies in memory and grows at its end, made as it comes.
class GrowingSha256 {
 public:
  GrowingSha256();
  ~GrowingSha256();
  GrowingSha256(GrowingSha256&&) noexcept;
  GrowingSha256& operator=(GrowingSha256&&) noexcept;

  // Begins anew: no bytes yet, but `text` is where they will be.
  void restart(const char* text);
  // There are so many bytes now, never fewer than before.
  void grow(std::size_t size);
  // Takes in what has come, but for less than 64 bytes of each, two texts at a time.
  static void advance(std::span<GrowingSha256* const> all);
  // Of all bytes; once after restart().
  Sha256 finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace axle
