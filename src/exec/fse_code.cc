#include "exec/fse_code.h"

#include <algorithm>
#include <bit>

namespace axle {
namespace {

constexpr unsigned min_log = 5;  // what a description can tell

// log2 in 1/256, by squaring: nothing here may depend on how a machine rounds.
constexpr std::uint32_t log2_256(std::uint32_t value) {
  const auto whole = static_cast<std::uint32_t>(std::bit_width(value) - 1);
  std::uint64_t part = (std::uint64_t{value} << 32) >> whole;  // in [1, 2), times 2^32
  std::uint32_t fraction = 0;
  for (int i = 0; i < 8; ++i) {
    part = (part >> 16) * (part >> 16);
    fraction <<= 1;
    if ((part >> 33) != 0) {
      fraction |= 1;
      part >>= 1;
    }
  }
  return whole * 256 + fraction;
}

constexpr auto logs = [] {
  std::array<std::uint16_t, (1U << max_fse_log) + 1> table{};
  for (std::uint32_t i = 1; i < table.size(); ++i) table[i] = static_cast<std::uint16_t>(log2_256(i));
  return table;
}();

// Bits from the low end on, in whole bytes at the end.
class LowBits {
 public:
  explicit LowBits(std::string& out) : out_(out) {}
  void add(std::uint32_t value, unsigned count) {
    bits_ |= std::uint64_t{value} << count_;
    for (count_ += count; count_ >= 8; count_ -= 8) {
      out_ += static_cast<char>(bits_ & 0xff);
      bits_ >>= 8;
    }
  }
  void end() {
    if (count_ > 0) out_ += static_cast<char>(bits_);
  }

 private:
  std::string& out_;
  std::uint64_t bits_ = 0;
  unsigned count_ = 0;
};

}  // namespace

FseShares share_cells(const FseCounts& counts, unsigned max_log) {
  const auto used = static_cast<std::uint32_t>(
      std::count_if(counts.of.begin(), counts.of.end(), [](std::uint32_t count) { return count != 0; }));
  FseShares shares;
  // A table of more cells than symbols were met tells nothing more; every symbol needs one, and some need
  // more.
  const auto wanted = static_cast<unsigned>(std::bit_width(counts.all));
  const auto needed = static_cast<unsigned>(std::bit_width(used)) + 1;
  shares.log = std::min(max_log, std::max({wanted > 2 ? wanted - 2 : 0, needed, min_log}));
  const auto cells = std::int32_t{1} << shares.log;
  std::int32_t left = cells;
  for (std::size_t i = 0; i < max_fse_symbols; ++i) {
    if (counts.of[i] == 0) continue;
    const std::uint64_t exact = (std::uint64_t{counts.of[i]} << shares.log) + counts.all / 2;
    shares.of[i] = static_cast<std::int16_t>(std::max<std::uint64_t>(1, exact / counts.all));
    left -= shares.of[i];
  }
  // What rounding left or took too much is the largest one's, which it changes least.
  while (left != 0) {
    auto& largest = *std::max_element(shares.of.begin(), shares.of.end());
    const std::int32_t change = left > 0 ? left : -std::min(-left, std::max(1, largest / 8));
    largest = static_cast<std::int16_t>(largest + change);
    left -= change;
  }
  return shares;
}

std::uint64_t cost_of(const FseCounts& counts, const FseShares& shares) {
  std::uint64_t cost = 0;
  for (std::size_t i = 0; i < max_fse_symbols; ++i) {
    if (counts.of[i] == 0) continue;
    if (shares.of[i] == 0) return UINT64_MAX;
    const auto cells = static_cast<std::size_t>(std::max<std::int16_t>(1, shares.of[i]));
    cost += std::uint64_t{counts.of[i]} * (shares.log * 256 - logs[cells]);
  }
  return cost;
}

void append_description(std::string& out, const FseShares& shares) {
  LowBits bits(out);
  bits.add(shares.log - min_log, 4);
  std::int32_t remaining = (1 << shares.log) + 1;
  std::int32_t threshold = 1 << shares.log;
  unsigned width = shares.log + 1;
  for (std::size_t symbol = 0; remaining > 1;) {
    const std::int32_t share = shares.of[symbol++];
    const std::int32_t above = 2 * threshold - 1 - remaining;  // values that may have a bit less
    remaining -= std::max(share, -share);
    std::int32_t value = share + 1;
    if (value >= threshold) value += above;
    bits.add(static_cast<std::uint32_t>(value), value < above ? width - 1 : width);
    for (; remaining < threshold; threshold >>= 1) --width;
    if (share != 0 || remaining <= 1) continue;
    // After a symbol without a cell: how many more there are, by threes.
    std::uint32_t more = 0;
    while (shares.of[symbol] == 0) ++symbol, ++more;
    for (; more >= 3; more -= 3) bits.add(3, 2);
    bits.add(more, 2);
  }
  bits.end();
}

void FseTable::make(const FseShares& shares) {
  log_ = shares.log;
  const std::uint32_t cells = 1U << log_;
  std::array<std::uint8_t, 1U << max_fse_log> owner{};
  std::uint32_t high = cells;  // those of rare symbols are from here on
  for (std::size_t i = 0; i < max_fse_symbols; ++i) {
    if (shares.of[i] < 0) owner[--high] = static_cast<std::uint8_t>(i);
  }
  const std::uint32_t stride = (cells >> 1) + (cells >> 3) + 3;
  std::uint32_t at = 0;
  std::array<std::uint32_t, max_fse_symbols> place{};
  std::uint32_t before = 0;
  for (std::size_t i = 0; i < max_fse_symbols; ++i) {
    const std::int32_t share = shares.of[i];
    for (std::int32_t k = 0; k < share; ++k) {
      owner[at] = static_cast<std::uint8_t>(i);
      do {
        at = (at + stride) & (cells - 1);
      } while (at >= high);
    }
    place[i] = before;
    if (share == 0) continue;
    const auto own = static_cast<std::uint32_t>(std::max(1, share));
    const auto most = log_ - static_cast<unsigned>(own == 1 ? 0 : std::bit_width(own - 1) - 1);
    steps_[i] = {(most << 16) - (own << most), std::int64_t{before} - std::int64_t{own}};
    before += own;
  }
  for (std::uint32_t cell = 0; cell < cells; ++cell) {
    states_[place[owner[cell]]++] = static_cast<std::uint16_t>(cells + cell);
  }
}

void FseTable::make_single() {
  log_ = 0;
  states_[0] = 0;
  steps_.fill(Step{});
}

}  // namespace axle
