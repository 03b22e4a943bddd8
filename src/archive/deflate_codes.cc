#include "archive/deflate_codes.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace axle::zip {
namespace {

constexpr auto of_literals = [] {
  std::array<std::uint32_t, 288> meaning{};
  for (std::uint32_t i = 0; i < 256; ++i) meaning[i] = is_literal | i << 16;
  meaning[256] = is_special | is_end;
  std::uint32_t base = 3;
  for (std::uint32_t i = 257; i < 285; ++i) {
    const std::uint32_t extra = i < 265 ? 0 : (i - 261) / 4;
    meaning[i] = base << 16 | extra;
    base += 1U << extra;
  }
  meaning[285] = 258U << 16;
  meaning[286] = meaning[287] = no_code;
  return meaning;
}();
constexpr auto of_distances = [] {
  std::array<std::uint32_t, 32> meaning{};
  std::uint32_t base = 1;
  for (std::uint32_t i = 0; i < 30; ++i) {
    const std::uint32_t extra = i < 4 ? 0 : i / 2 - 1;
    meaning[i] = base << 16 | extra;
    base += 1U << extra;
  }
  meaning[30] = meaning[31] = no_code;
  return meaning;
}();

}  // namespace

const std::array<std::uint32_t, 288>& literal_meanings() noexcept { return of_literals; }
const std::array<std::uint32_t, 32>& distance_meanings() noexcept { return of_distances; }

bool make_table(const std::uint8_t* lengths, std::size_t symbols, const std::uint32_t* meanings,
                unsigned width, std::uint32_t* table) noexcept {
  std::array<std::uint32_t, 16> count{};
  for (std::size_t i = 0; i < symbols; ++i) ++count[lengths[i]];
  count[0] = 0;
  std::array<std::uint32_t, 17> place{};
  std::int32_t left = 1;
  for (unsigned length = 1; length < 16; ++length) {
    left = left * 2 - static_cast<std::int32_t>(count[length]);
    if (left < 0) return false;
    place[length + 1] = place[length] + count[length];
  }
  std::array<std::uint16_t, 288> sorted{};
  const std::uint32_t used = place[16];
  for (std::size_t i = 0; i < symbols; ++i) {
    if (lengths[i] != 0) sorted[place[lengths[i]]++] = static_cast<std::uint16_t>(i);
  }
  const std::uint32_t size = 1U << width;
  // Codes come by their lengths. As long as the table is that of shorter ones, it is as long as they have
  // bits; each further bit doubles it.
  std::uint32_t filled = 1;
  table[0] = no_code;
  const auto grow_to = [&](std::uint32_t wanted) {
    for (; filled < wanted; filled *= 2) std::memcpy(table + filled, table, filled * sizeof *table);
  };
  std::uint32_t code = 0;  // its first bit is the lowest
  std::uint32_t next_place = size;
  std::uint32_t prefix = size;  // none
  std::uint32_t second_place = 0;
  unsigned second_width = 0;
  for (std::uint32_t i = 0; i < used; ++i) {
    const std::uint16_t symbol = sorted[i];
    const unsigned length = lengths[symbol];
    if (length <= width) {
      grow_to(1U << length);
      table[code] = meanings[symbol] + length * 0x101;
    } else {
      grow_to(size);
      if ((code & (size - 1)) != prefix) {
        prefix = code & (size - 1);
        // As wide as the codes that begin in this way need.
        second_width = length - width;
        std::uint32_t room = count[length];
        while (room < (1U << second_width) && width + second_width < 15) {
          ++second_width;
          room = (room << 1) + count[width + second_width];
        }
        second_place = next_place;
        next_place += 1U << second_width;
        table[prefix] = is_special | second_place << 16 | second_width << 8 | width;
        if (left > 0) std::fill(table + second_place, table + next_place, no_code);
      }
      const std::uint32_t entry = meanings[symbol] + (length - width) * 0x101;
      for (std::uint32_t at = code >> width; at < (1U << second_width); at += 1U << (length - width)) {
        table[second_place + at] = entry;
      }
    }
    --count[length];
    // The next code of this length, in reverse: the highest 0 becomes 1, and the ones above it 0.
    const std::uint32_t zeros = code ^ ((1U << length) - 1);
    if (zeros == 0) break;
    const std::uint32_t highest = std::bit_floor(zeros);
    code = (code & (highest - 1)) | highest;
  }
  grow_to(size);
  return true;
}

}  // namespace axle::zip
