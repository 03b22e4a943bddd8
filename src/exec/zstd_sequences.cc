#include "exec/zstd_sequences.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include <bit>
#include <cstring>
#include <utility>

namespace axle {
namespace {

constexpr std::uint32_t min_match = 3;

// How many bits follow each symbol of a length, which say how far it is from the symbol's first.
constexpr std::array<std::uint8_t, 36> literal_length_bits = {0, 0, 0, 0, 0, 0,  0,  0,  0,  0,  0,  0,
                                                              0, 0, 0, 0, 1, 1,  1,  1,  2,  2,  3,  3,
                                                              4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
constexpr std::array<std::uint8_t, 53> match_length_bits = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  0,  0,  0,  0,  0,  0, 0,
    0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

// A length as a part of a ZstdSequence, whose `packed` is the sum of those of its parts.
struct Part {
  std::uint32_t packed;
  std::uint32_t extra;
};
constexpr std::array<unsigned, 3> symbol_at = {8, 16, 24};

template <ZstdCode kind, std::size_t symbols>
constexpr Part make_part(const std::array<std::uint8_t, symbols>& bits, std::uint32_t length) {
  std::uint32_t first = 0;
  std::uint32_t symbol = 0;
  while (length - first >= (1U << bits[symbol])) first += 1U << bits[symbol++];
  return {symbol << symbol_at[kind] | bits[symbol], length - first};
}
template <ZstdCode kind, std::size_t symbols>
constexpr auto first_parts(const std::array<std::uint8_t, symbols>& bits) {
  std::array<Part, 256> table{};
  for (std::uint32_t i = 0; i < table.size(); ++i) table[i] = make_part<kind>(bits, i);
  return table;
}
constexpr auto parts_of_literals = first_parts<literal_lengths>(literal_length_bits);
constexpr auto parts_of_matches = first_parts<match_lengths>(match_length_bits);

template <ZstdCode kind, std::size_t symbols>
[[gnu::noinline, gnu::cold]] Part make_rare_part(const std::array<std::uint8_t, symbols>& bits,
                                                 std::uint32_t length) {
  return make_part<kind>(bits, length);
}

// All bits set where two values below 2^31 are equal, none elsewhere. A branch would be guessed wrong too
// often.
std::uint32_t if_equal(std::uint32_t a, std::uint32_t b) {
  return static_cast<std::uint32_t>(static_cast<std::int32_t>((a ^ b) - 1) >> 31);
}
std::uint32_t choose(std::uint32_t condition, std::uint32_t one, std::uint32_t other) {
  return other ^ ((one ^ other) & condition);
}

void store64(char* to, std::uint64_t value) {
  if constexpr (std::endian::native == std::endian::big) value = __builtin_bswap64(value);
  std::memcpy(to, &value, sizeof value);
}

std::uint64_t low_bits(std::uint64_t value, unsigned count) {
  return value & ((std::uint64_t{1} << count) - 1);
}

std::size_t symbol_of(std::uint32_t packed, ZstdCode kind) { return packed >> symbol_at[kind] & 0xff; }

// A distance that occurred recently has a name: 1, 2 or 3. Which one it is depends on whether there are
// literals, since without any the match before would have gone on.
[[gnu::always_inline]] inline void make_sequences_here(std::span<const Match> matches, ZstdRecent& recent,
                                                       ZstdSequence* to, std::array<FseCounts, 3>& counts) {
  auto [recent0, recent1, recent2] = recent;
  for (const Match& match : matches) {
    const std::uint32_t distance = match.distance;
    std::uint32_t name = distance + 3;
    if (((distance == recent0) | (distance == recent1) | (distance == recent2) | (distance == recent0 - 1)) !=
        0) [[unlikely]] {
      const std::uint32_t shifted = if_equal(match.literals, 0);
      const std::uint32_t is_first = if_equal(distance, choose(shifted, recent1, recent0));
      const std::uint32_t is_second = if_equal(distance, choose(shifted, recent2, recent1));
      const std::uint32_t is_third = if_equal(distance, choose(shifted, recent0 - 1, recent2));
      name = (distance & ~(is_first | is_second | is_third)) + 3 + 2 * is_first + (is_second & ~is_first);
      recent2 = choose(is_first | (is_second & ~shifted), recent2, recent1);
      recent1 = choose(is_first & ~shifted, recent1, recent0);
    } else {
      recent2 = recent1;
      recent1 = recent0;
    }
    recent0 = distance;

    const std::uint32_t length = match.length - min_match;
    const Part literals = match.literals < parts_of_literals.size()
                              ? parts_of_literals[match.literals]
                              : make_rare_part<literal_lengths>(literal_length_bits, match.literals);
    const Part matched = length < parts_of_matches.size()
                             ? parts_of_matches[length]
                             : make_rare_part<match_lengths>(match_length_bits, length);
    const std::uint32_t symbol = 31 ^ static_cast<std::uint32_t>(std::countl_zero(name));
    ++counts[literal_lengths].of[symbol_of(literals.packed, literal_lengths)];
    ++counts[match_lengths].of[symbol_of(matched.packed, match_lengths)];
    ++counts[distances].of[symbol];
    const std::uint64_t extra = name ^ (1U << symbol);
    *to++ = {literals.extra | (matched.extra | extra << (matched.packed & 63)) << (literals.packed & 63),
             literals.packed + matched.packed + symbol * ((1U << symbol_at[distances]) + 1)};
  }
  recent = {recent0, recent1, recent2};
}

[[gnu::always_inline]] inline char* write_sequences_here(const ZstdTables& tables,
                                                         std::span<const ZstdSequence> sequences, char* out) {
  std::uint64_t bits = 0;
  unsigned held = 0;
  const auto add = [&](std::uint64_t value, unsigned width) {
    bits |= value << held;
    held += width;
  };
  const auto flush = [&] {
    store64(out, bits);
    out += held >> 3;
    bits >>= held & ~7U;
    held &= 7;
  };
  const FseTable& of_literals = *tables[literal_lengths];
  const FseTable& of_matches = *tables[match_lengths];
  const FseTable& of_distances = *tables[distances];
  const ZstdSequence* at = &sequences.back();
  std::uint32_t match_state = of_matches.first(symbol_of(at->packed, match_lengths));
  std::uint32_t distance_state = of_distances.first(symbol_of(at->packed, distances));
  std::uint32_t literal_state = of_literals.first(symbol_of(at->packed, literal_lengths));
  add(at->extra, at->packed & 0xff);
  flush();
  while (at != sequences.data()) {
    --at;
    const std::uint32_t packed = at->packed;
    const auto step = [&](const FseTable& table, std::uint32_t& state, std::size_t symbol) {
      const unsigned width = table.bits(state, symbol);
      add(low_bits(state, width), width);
      state = table.next(state, symbol, width);
    };
    step(of_distances, distance_state, symbol_of(packed, distances));
    step(of_matches, match_state, symbol_of(packed, match_lengths));
    step(of_literals, literal_state, symbol_of(packed, literal_lengths));
    // Up to 7 bits were left, and 26 came.
    if ((packed & 0xff) > 64 - 33) [[unlikely]]
      flush();
    add(at->extra, packed & 0xff);
    flush();
  }
  for (const auto& [table, state] :
       {std::pair(&of_matches, match_state), std::pair(&of_distances, distance_state),
        std::pair(&of_literals, literal_state)}) {
    add(low_bits(state, table->log()), table->log());
  }
  add(1, 1);  // where the reader begins
  flush();
  if (held > 0) ++out;
  return out;
}

// The same, in instructions that not every processor has. What they write does not differ.
#if defined(__x86_64__)
[[gnu::target("bmi,bmi2,lzcnt")]] void make_sequences_bmi(std::span<const Match> matches, ZstdRecent& recent,
                                                          ZstdSequence* to,
                                                          std::array<FseCounts, 3>& counts) {
  make_sequences_here(matches, recent, to, counts);
}
[[gnu::target("bmi,bmi2,lzcnt")]] char* write_sequences_bmi(const ZstdTables& tables,
                                                            std::span<const ZstdSequence> sequences,
                                                            char* out) {
  return write_sequences_here(tables, sequences, out);
}
bool has_bmi() {
  static const bool has = [] {
    unsigned a = 0, b = 0, c = 0, d = 0;
    return __builtin_cpu_supports("bmi") != 0 && __builtin_cpu_supports("bmi2") != 0 &&
           __get_cpuid(0x80000001, &a, &b, &c, &d) != 0 && (c & bit_LZCNT) != 0;
  }();
  return has;
}
#endif

}  // namespace

void make_sequences(std::span<const Match> matches, ZstdRecent& recent, ZstdSequence* to,
                    std::array<FseCounts, 3>& counts) {
#if defined(__x86_64__)
  if (has_bmi()) return make_sequences_bmi(matches, recent, to, counts);
#endif
  make_sequences_here(matches, recent, to, counts);
}

char* write_sequences(const ZstdTables& tables, std::span<const ZstdSequence> sequences, char* out) {
#if defined(__x86_64__)
  if (has_bmi()) return write_sequences_bmi(tables, sequences, out);
#endif
  return write_sequences_here(tables, sequences, out);
}

}  // namespace axle
