#pragma once
// Codes of the kind that zstd writes sequences in (FSE: finite state entropy). spec: RFC 8878, section 4.1.
//
// A code divides the cells of a table, 2^log of them, among the symbols: the more cells a symbol has, the
// fewer bits it takes. Writing goes from the last symbol to the first. The writer is in a state, which is a
// cell of the symbol that was written last; another symbol takes as many low bits of the state as lead to one
// of its own cells, and goes there.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace axle {

// Symbols are [0, max_fse_symbols).
inline constexpr std::size_t max_fse_symbols = 53;
inline constexpr unsigned max_fse_log = 9;

// How often each symbol occurs, and all of them.
struct FseCounts {
  std::array<std::uint32_t, max_fse_symbols> of{};
  std::uint32_t all = 0;
};

// The cells that each symbol has; -1 is one cell, of those that come last.
struct FseShares {
  std::array<std::int16_t, max_fse_symbols> of{};
  unsigned log = 0;
};

// Shares for such counts, of which two are not 0, in a table of at most 2^max_log cells. The same counts give
// the same shares on every machine.
FseShares share_cells(const FseCounts& counts, unsigned max_log);
// What all symbols would take, in 1/256 of a bit; UINT64_MAX when one has no cell.
std::uint64_t cost_of(const FseCounts& counts, const FseShares& shares);
// Appends the description of a table that a reader needs. spec: RFC 8878, section 4.1.1.
void append_description(std::string& out, const FseShares& shares);

// The writer's table.
class FseTable {
 public:
  void make(const FseShares& shares);
  // Of a code with one symbol, which takes no bits.
  void make_single();

  // The state to begin with: that of the last symbol, which is written by it.
  std::uint32_t first(std::size_t symbol) const noexcept {
    const std::uint32_t step = steps_[symbol].bits;
    const std::uint32_t bits = (step + (1U << 15)) >> 16;
    return next((bits << 16) - step, symbol, bits);
  }
  // How many low bits of the state are to be written before it becomes the next one.
  unsigned bits(std::uint32_t state, std::size_t symbol) const noexcept {
    return (state + steps_[symbol].bits) >> 16;
  }
  std::uint32_t next(std::uint32_t state, std::size_t symbol, unsigned bits) const noexcept {
    return states_[static_cast<std::size_t>(std::int64_t{state >> bits} + steps_[symbol].to)];
  }
  // The bits of the state that is left, which is written last.
  unsigned log() const noexcept { return log_; }

 private:
  // States are numbered from 2^log. A symbol takes n or n - 1 bits: n where the state is at least a bound;
  // `bits` is n * 2^16 less that bound, so that one addition tells. `to` leads from what is left of the state
  // to the place of the symbol's cell; it is as wide as an address, to be added to one as it is.
  struct Step {
    std::uint32_t bits = 0;
    std::int64_t to = 0;
  };
  unsigned log_ = 0;
  std::array<std::uint16_t, 1U << max_fse_log> states_{};
  std::array<Step, max_fse_symbols> steps_{};
};

}  // namespace axle
