#pragma once
// Inflating that also tells the matches of the stream. Why there is an own decoder beside libdeflate and
// ISA-L, and how it works, stands at the head of deflate_parser.cc.

#include <array>
#include <cstddef>
#include <cstdint>

#include "axle/archive/matches.h"

namespace axle::zip {

class DeflateParser {
 public:
  enum class Status { wants_input, output_full, done, damaged };

  struct Input {
    const std::uint8_t* next = nullptr;
    const std::uint8_t* end = nullptr;
    bool is_last = false;  // nothing follows `end`
  };
  // Bytes [next, end) are written. Matches may lead back to `history`; those that lead to before `reach`
  // (which is not before `history`) are told as literals. `matches` has room for (end - next) / 3 + 2.
  struct Output {
    std::uint8_t* next = nullptr;
    std::uint8_t* end = nullptr;
    const std::uint8_t* history = nullptr;
    const std::uint8_t* reach = nullptr;
    Match* matches = nullptr;
    std::uint32_t literals = 0;  // before `next`, since the last match
  };

  // With less than this, and more to come, a call may do nothing but want more.
  static constexpr std::size_t min_input = 1024;

  void begin() noexcept;
  // Goes on until the stream ends, the output is full and there is more for it, or input is wanting: then
  // what was not used is to be given again.
  Status run(Input& input, Output& output) noexcept;

 private:
  static constexpr unsigned lit_bits = 11;
  static constexpr unsigned dist_bits = 8;
  static constexpr unsigned max_bits = 15;
  static constexpr std::size_t lit_symbols = 288;
  static constexpr std::size_t dist_symbols = 32;
  // A table of its own for each symbol whose code is longer than the first table is wide would still fit.
  static constexpr std::size_t lit_entries = (1U << lit_bits) + (lit_symbols << (max_bits - lit_bits));
  static constexpr std::size_t dist_entries = (1U << dist_bits) + (dist_symbols << (max_bits - dist_bits));

  enum class Block : std::uint8_t { none, stored, codes, after_last };

  bool read_block_header(Input& input) noexcept;
  bool read_codes(Input& input) noexcept;
  bool set_codes(const std::uint8_t* lengths, std::size_t literals, std::size_t distances) noexcept;
  Status run_stored(Input& input, Output& output) noexcept;
  Status run_codes(Input& input, Output& output) noexcept;
  Status run_codes_bmi(Input& input, Output& output) noexcept;
  Status run_codes_here(Input& input, Output& output) noexcept;

  void refill(Input& input) noexcept;
  bool take(Input& input, unsigned bits, std::uint32_t& value) noexcept;
  void give_back(Input& input) noexcept;

  std::uint64_t buffer_ = 0;  // the bits [0, count_) are the next of the stream; those above are 0
  unsigned count_ = 0;
  Block block_ = Block::none;
  bool is_last_block_ = false;
  std::uint32_t stored_left_ = 0;
  std::uint32_t pending_length_ = 0;  // of a match that the output had no room for
  std::uint32_t pending_distance_ = 0;
  std::array<std::uint32_t, lit_entries> lit_{};
  std::array<std::uint32_t, dist_entries> dist_{};
};

}  // namespace axle::zip
