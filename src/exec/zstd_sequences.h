#pragma once
// The sequences of a zstd block: matches as symbols of three codes, and these as bits. Each of the two
// functions goes over all of them once; nearly all that it costs to write known matches is spent here. spec:
// RFC 8878, section 3.1.1.3.2.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "axle/archive/matches.h"
#include "exec/fse_code.h"

namespace axle {

enum ZstdCode : std::size_t { literal_lengths, match_lengths, distances };

// A match as it is written: its symbols, and bits that are written as they are.
struct ZstdSequence {
  std::uint64_t extra;
  // From the low end on, a byte each: how many bits `extra` has; the symbols of the number of literals, of
  // the length, and of the distance.
  std::uint32_t packed;
};

// The distances that have names, at first and after each match.
using ZstdRecent = std::array<std::uint32_t, 3>;
inline constexpr ZstdRecent first_recent = {1, 4, 8};

// `to` has room for all of them. Counts are added to those of the symbols; `all` is the caller's.
void make_sequences(std::span<const Match> matches, ZstdRecent& recent, ZstdSequence* to,
                    std::array<FseCounts, 3>& counts);

// By ZstdCode.
using ZstdTables = std::array<const FseTable*, 3>;

// What sequences, at least one, take at most, and what may be written.
constexpr std::size_t sequences_bound(std::size_t count) { return count * 11 + 64; }
// Gives the end of what was written.
char* write_sequences(const ZstdTables& tables, std::span<const ZstdSequence> sequences, char* out);

}  // namespace axle
