#pragma once
// Huffman codes of deflate as tables. A code is looked up by its next bits, as many as the table is wide;
// longer codes go on in a second table behind it. An entry holds all that a symbol means:
//
//   bit 31       a literal, its value in bits 16 to 23
//   bit 15       no plain symbol: with bit 14 no code at all, with bit 13 the end of the block, else
//                the place (bits 16 to 28) and the width (bits 8 to 11) of a second table
//   otherwise    a length or a distance: bits 16 to 30 the base, bits 8 to 11 the bits of the code
//   bits 0 to 7  the bits to be taken: of the code and of what is added to the base

#include <array>
#include <cstddef>
#include <cstdint>

namespace axle::zip {

constexpr std::uint32_t is_literal = 1U << 31;
constexpr std::uint32_t is_special = 1U << 15;
constexpr std::uint32_t is_no_code = 1U << 14;
constexpr std::uint32_t is_end = 1U << 13;
constexpr std::uint32_t no_code = is_special | is_no_code;

constexpr std::uint64_t mask(std::uint32_t bits) { return (std::uint64_t{1} << bits) - 1; }
constexpr unsigned bits_of(std::uint32_t entry) { return entry & 0xff; }
constexpr unsigned width_of(std::uint32_t entry) { return (entry >> 8) & 0xf; }

// What symbols mean; the bits of the code are added when they are known. spec: RFC 1951, section 3.2.5.
const std::array<std::uint32_t, 288>& literal_meanings() noexcept;
const std::array<std::uint32_t, 32>& distance_meanings() noexcept;

// The table of a code that is given by the lengths of its symbols' codes (at most 15 bits), which are at most
// 288. It has 2^width entries, and behind them up to 2^(15 - width) for each symbol. False when the lengths
// promise more codes than there are.
bool make_table(const std::uint8_t* lengths, std::size_t symbols, const std::uint32_t* meanings,
                unsigned width, std::uint32_t* table) noexcept;

}  // namespace axle::zip
