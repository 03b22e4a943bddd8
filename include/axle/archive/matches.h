#pragma once
// What a deflate stream is made of, for whoever compresses the same bytes in another form and need not search
// for what the stream already says. spec: RFC 1951.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "axle/archive/archive.h"

namespace axle {

// `literals` bytes as they are, then `length` bytes as they were `distance` bytes before.
struct Match {
  std::uint32_t distance;
  std::uint32_t literals;
  std::uint32_t length;  // at least 3; 0 (with distance 0) after the literals that end a block
};

// Matches in the order of the bytes that they stand for. Its memory is never initialised, and kept.
class MatchList {
 public:
  std::span<const Match> matches() const noexcept { return {begin_.get(), size_}; }
  void clear() noexcept { size_ = literals_ = 0; }
  void add_literals(std::size_t count) noexcept { literals_ += static_cast<std::uint32_t>(count); }
  void add_match(std::uint32_t distance, std::size_t length) {
    *reserve(1) = {distance, literals_, static_cast<std::uint32_t>(length)};
    take(1, 0);
  }
  void end_block() { add_match(0, 0); }
  // Room for so many more, and then how many of them there are; `literals` follow the last.
  Match* reserve(std::size_t count);
  void take(std::size_t count, std::uint32_t literals) noexcept {
    size_ += count;
    literals_ = literals;
  }
  std::uint32_t literals() const noexcept { return literals_; }  // after the last match

 private:
  std::unique_ptr<Match[]> begin_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
  std::uint32_t literals_ = 0;
};

// Reads deflated members, one after the other. One object is for one thread at a time.
class MatchReader {
 public:
  MatchReader();
  MatchReader(MatchReader&&) noexcept;
  ~MatchReader();

  // Both must outlive the reading of this member, whose method is deflate.
  void begin(const Archive& archive, const Member& member);
  // Inflates the next `size` bytes to `out`; the member must have as many left. Before `out` lie `history`
  // bytes: all that was read of the member before, or at least 32 KiB of it. `reach` of them may be named by
  // matches; what comes from farther back is told as literals. Throws as Archive::read does.
  struct Target {
    char* out = nullptr;
    std::size_t size = 0;
    std::size_t history = 0;
    std::size_t reach = 0;
  };
  void read(const Target& target, MatchList& list);
  // After the last byte: holds the stream's end, size and CRC to what is declared.
  void finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace axle
