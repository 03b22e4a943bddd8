// Inflating that also tells the matches of the stream.
//
// Problem. Of what compressing with zstd costs, most is the search for bytes that came before. The deflate
// stream of a wheel's member is the answer to that very question: it consists of literals and matches. What
// zstd needs is the list of them, and libdeflate and ISA-L do not give it away. So this is a decoder that
// writes the bytes, as they do, and the list.
//
// Bits are taken from the low end of a 64-bit buffer; how codes are looked up stands in deflate_codes.h.
//
// Far from both ends 8 bytes are taken in at once, matches are copied in pieces that may write too far, and
// nothing is compared with the ends; near them one symbol is read at a time, and only when all of its bits
// are there, so that a call can end between any two symbols.
//
// Codes that are incomplete are accepted, as other decoders do in part; what they leave undefined is refused
// when it is met. Whatever the list says is also what was written: both come from the same symbol, and the
// bytes are compared with their CRC and digest by the caller.

#include "archive/deflate_parser.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "archive/deflate_codes.h"

namespace axle::zip {
namespace {

constexpr std::uint32_t min_match = 3;
constexpr std::size_t max_match = 258;
// What one turn of the quick loop may write: three literals, a match, and the last piece of its copy.
constexpr std::size_t out_margin = 3 + max_match + 32;
// What one turn takes in: up to three times 7 bytes, read 8 at a time.
constexpr std::size_t in_margin = 24;
// A length and a distance at their longest: 15 + 5 + 15 + 13 bits.
constexpr unsigned bits_of_match = 48;

std::uint64_t load64(const std::uint8_t* from) {
  std::uint64_t value = 0;
  std::memcpy(&value, from, sizeof value);
  if constexpr (std::endian::native == std::endian::big) value = __builtin_bswap64(value);
  return value;
}

// Copies a match; may write up to 32 bytes too far.
inline void copy_match(std::uint8_t* out, std::uint32_t distance, std::uint32_t length) {
  const std::uint8_t* from = out - distance;
  std::uint8_t* const end = out + length;
  if (distance >= 16) {
    std::memcpy(out, from, 16);
    std::memcpy(out + 16, from + 16, 16);
    while (out + 32 < end) {
      out += 32;
      from += 32;
      std::memcpy(out, from, 16);
      std::memcpy(out + 16, from + 16, 16);
    }
  } else if (distance == 1) {
    std::memset(out, *from, length);
  } else if (distance >= 8) {
    do {
      std::memcpy(out, from, 8);
      out += 8;
      from += 8;
    } while (out < end);
  } else {
    do {
      *out++ = *from++;
    } while (out < end);
  }
}

}  // namespace

void DeflateParser::begin() noexcept {
  buffer_ = 0;
  count_ = 0;
  block_ = Block::none;
  is_last_block_ = false;
  stored_left_ = 0;
  pending_length_ = 0;
}

void DeflateParser::refill(Input& input) noexcept {
  while (count_ < 56 && input.next < input.end) {
    buffer_ |= std::uint64_t{*input.next++} << count_;
    count_ += 8;
  }
}

bool DeflateParser::take(Input& input, unsigned bits, std::uint32_t& value) noexcept {
  if (count_ < bits) refill(input);
  if (count_ < bits) return false;
  value = static_cast<std::uint32_t>(buffer_ & mask(bits));
  buffer_ >>= bits;
  count_ -= bits;
  return true;
}

// Whole bytes go back, so that the caller may move what is left.
void DeflateParser::give_back(Input& input) noexcept {
  input.next -= count_ / 8;
  count_ %= 8;
  buffer_ &= mask(count_);
}

DeflateParser::Status DeflateParser::run(Input& input, Output& output) noexcept {
  Status status = Status::damaged;
  while (true) {
    if (block_ == Block::after_last) {
      status = Status::done;
      break;
    }
    if (block_ == Block::none) {
      if (static_cast<std::size_t>(input.end - input.next) < min_input && !input.is_last) {
        status = Status::wants_input;
        break;
      }
      if (!read_block_header(input)) return Status::damaged;
    }
    status = block_ == Block::stored ? run_stored(input, output) : run_codes(input, output);
    if (status != Status::done) break;
    block_ = is_last_block_ ? Block::after_last : Block::none;
  }
  give_back(input);
  return status;
}

// spec: RFC 1951, section 3.2.3.
bool DeflateParser::read_block_header(Input& input) noexcept {
  std::uint32_t last = 0;
  std::uint32_t type = 0;
  if (!take(input, 1, last) || !take(input, 2, type)) return false;
  is_last_block_ = last != 0;
  if (type == 0) {
    std::uint32_t padding = 0;
    std::uint32_t length = 0;
    std::uint32_t inverted = 0;
    if (!take(input, count_ % 8, padding) || !take(input, 16, length) || !take(input, 16, inverted))
      return false;
    if (length != (inverted ^ 0xffff)) return false;
    give_back(input);
    stored_left_ = length;
    block_ = Block::stored;
    return true;
  }
  block_ = Block::codes;
  if (type == 2) return read_codes(input);
  if (type != 1) return false;
  std::array<std::uint8_t, lit_symbols + dist_symbols> lengths{};
  for (std::size_t i = 0; i < lit_symbols; ++i) {
    lengths[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
  }
  std::fill(lengths.begin() + lit_symbols, lengths.end(), std::uint8_t{5});
  return set_codes(lengths.data(), lit_symbols, dist_symbols);
}

// spec: RFC 1951, section 3.2.7.
bool DeflateParser::read_codes(Input& input) noexcept {
  constexpr std::array<std::uint8_t, 19> order = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                                  11, 4,  12, 3, 13, 2, 14, 1, 15};
  constexpr unsigned width = 7;
  std::uint32_t literals = 0;
  std::uint32_t distances = 0;
  std::uint32_t count = 0;
  if (!take(input, 5, literals) || !take(input, 5, distances) || !take(input, 4, count)) return false;
  literals += 257;
  distances += 1;
  count += 4;
  if (literals > lit_symbols) return false;
  std::array<std::uint8_t, 19> short_lengths{};
  for (std::uint32_t i = 0; i < count; ++i) {
    std::uint32_t length = 0;
    if (!take(input, 3, length)) return false;
    short_lengths[order[i]] = static_cast<std::uint8_t>(length);
  }
  std::array<std::uint32_t, 19> meanings{};
  for (std::uint32_t i = 0; i < 19; ++i) meanings[i] = i << 16;
  std::array<std::uint32_t, 1U << width> table{};
  if (!make_table(short_lengths.data(), short_lengths.size(), meanings.data(), width, table.data())) {
    return false;
  }
  std::array<std::uint8_t, lit_symbols + dist_symbols> lengths{};
  const std::uint32_t all = literals + distances;
  for (std::uint32_t i = 0; i < all;) {
    refill(input);
    const std::uint32_t entry = table[buffer_ & mask(width)];
    std::uint32_t code = 0;
    if ((entry & is_special) != 0 || !take(input, bits_of(entry), code)) return false;
    const std::uint32_t symbol = entry >> 16;
    if (symbol < 16) {
      lengths[i++] = static_cast<std::uint8_t>(symbol);
      continue;
    }
    std::uint32_t more = 0;
    if (!take(input, symbol == 16 ? 2 : symbol == 17 ? 3 : 7, more)) return false;
    const std::uint32_t repeat = more + (symbol == 18 ? 11 : 3);
    if (repeat > all - i || (symbol == 16 && i == 0)) return false;
    const std::uint8_t value = symbol == 16 ? lengths[i - 1] : std::uint8_t{0};
    std::fill(lengths.begin() + i, lengths.begin() + i + repeat, value);
    i += repeat;
  }
  return set_codes(lengths.data(), literals, distances);
}

bool DeflateParser::set_codes(const std::uint8_t* lengths, std::size_t literals,
                              std::size_t distances) noexcept {
  return make_table(lengths, literals, literal_meanings().data(), lit_bits, lit_.data()) &&
         make_table(lengths + literals, distances, distance_meanings().data(), dist_bits, dist_.data());
}

DeflateParser::Status DeflateParser::run_stored(Input& input, Output& output) noexcept {
  const std::size_t size =
      std::min({static_cast<std::size_t>(stored_left_), static_cast<std::size_t>(input.end - input.next),
                static_cast<std::size_t>(output.end - output.next)});
  if (size > 0) std::memcpy(output.next, input.next, size);
  input.next += size;
  output.next += size;
  output.literals += static_cast<std::uint32_t>(size);
  stored_left_ -= static_cast<std::uint32_t>(size);
  if (stored_left_ == 0) return Status::done;
  if (output.next == output.end) return Status::output_full;
  return input.is_last ? Status::damaged : Status::wants_input;
}

DeflateParser::Status DeflateParser::run_codes(Input& input, Output& output) noexcept {
#if defined(__x86_64__)
  static const bool has_bmi = __builtin_cpu_supports("bmi") != 0 && __builtin_cpu_supports("bmi2") != 0;
  if (has_bmi) return run_codes_bmi(input, output);
#endif
  return run_codes_here(input, output);
}

#if defined(__x86_64__)
// In instructions that not every processor has: 1 % of a layer.
[[gnu::target("bmi,bmi2")]] DeflateParser::Status DeflateParser::run_codes_bmi(Input& input,
                                                                               Output& output) noexcept {
  return run_codes_here(input, output);
}
#endif

[[gnu::always_inline]] inline DeflateParser::Status DeflateParser::run_codes_here(Input& input,
                                                                                  Output& output) noexcept {
  const std::uint8_t* in = input.next;
  const std::uint8_t* const in_end = input.end;
  const std::uint8_t* const in_quick =
      in_end - in > static_cast<std::ptrdiff_t>(in_margin) ? in_end - in_margin : in;
  std::uint8_t* out = output.next;
  std::uint8_t* const out_end = output.end;
  std::uint8_t* const out_quick =
      out_end - out > static_cast<std::ptrdiff_t>(out_margin) ? out_end - out_margin : out;
  const std::uint8_t* const reach = output.reach;
  const std::uint8_t* literals_from = out;  // less output.literals, as long as there is no match
  std::uint32_t literals_before = output.literals;
  Match* match = output.matches;
  std::uint64_t buffer = buffer_;
  unsigned count = count_;
  const std::uint32_t* const lit = lit_.data();
  const std::uint32_t* const dist = dist_.data();
  Status status = Status::damaged;

  const auto consume = [&](unsigned bits) {
    buffer >>= bits;
    count -= bits;
  };
  const auto tell = [&](std::uint32_t distance, std::uint32_t length) {
    if (length < min_match || distance > static_cast<std::size_t>(out - reach)) return;  // literals
    *match++ = {distance, static_cast<std::uint32_t>(out - literals_from) + literals_before, length};
    literals_from = out + length;
    literals_before = 0;
  };
  const auto copy_to_end = [&] {
    const auto length = static_cast<std::uint32_t>(
        std::min<std::size_t>(pending_length_, static_cast<std::size_t>(out_end - out)));
    tell(pending_distance_, length);
    for (std::uint32_t i = 0; i < length; ++i, ++out) *out = *(out - pending_distance_);
    pending_length_ -= length;
  };

  if (pending_length_ > 0) copy_to_end();
  while (true) {
    // 56 bits or more. Bits above `count` are right too: they are those that the next load brings again.
    const auto load = [&] {
      buffer |= load64(in) << count;
      in += (63 - count) >> 3;
      count |= 56;
    };
    // Each turn begins with its first entry looked up, so that this need not wait for the copy before it, nor
    // for the load: there were 64 bits right ones, and at most 48 were taken since.
    std::uint32_t entry = 0;
    if (in < in_quick && out < out_quick) {
      load();
      entry = lit[buffer & mask(lit_bits)];
    }
    while (in < in_quick && out < out_quick) {
      if ((entry & is_literal) != 0) {
        consume(bits_of(entry));
        *out++ = static_cast<std::uint8_t>(entry >> 16);
        entry = lit[buffer & mask(lit_bits)];
        if ((entry & is_literal) != 0) {
          consume(bits_of(entry));
          *out++ = static_cast<std::uint8_t>(entry >> 16);
          entry = lit[buffer & mask(lit_bits)];
          if ((entry & is_literal) != 0) {
            consume(bits_of(entry));
            *out++ = static_cast<std::uint8_t>(entry >> 16);
            entry = lit[buffer & mask(lit_bits)];
            load();
            continue;
          }
        }
        load();
      }
      if ((entry & is_special) != 0) [[unlikely]] {
        if ((entry & (is_no_code | is_end)) == 0) {
          consume(lit_bits);
          entry = lit[(entry >> 16) + (buffer & mask(width_of(entry)))];
          if ((entry & is_literal) != 0) {
            consume(bits_of(entry));
            *out++ = static_cast<std::uint8_t>(entry >> 16);
            entry = lit[buffer & mask(lit_bits)];
            load();
            continue;
          }
        }
        if ((entry & is_special) != 0) {
          if ((entry & is_no_code) != 0) return Status::damaged;
          consume(bits_of(entry));
          status = Status::done;
          break;
        }
      }
      const auto value = [&](std::uint32_t of) {
        const std::uint32_t number =
            (of >> 16) + static_cast<std::uint32_t>((buffer & mask(bits_of(of))) >> width_of(of));
        consume(bits_of(of));
        return number;
      };
      const std::uint32_t length = value(entry);
      entry = dist[buffer & mask(dist_bits)];
      if ((entry & is_special) != 0) [[unlikely]] {
        if ((entry & is_no_code) != 0) return Status::damaged;
        consume(dist_bits);
        entry = dist[(entry >> 16) + (buffer & mask(width_of(entry)))];
        if ((entry & is_special) != 0) return Status::damaged;
      }
      const std::uint32_t distance = value(entry);
      entry = lit[buffer & mask(lit_bits)];
      load();
      if (distance <= static_cast<std::size_t>(out - reach)) [[likely]] {
        *match++ = {distance, static_cast<std::uint32_t>(out - literals_from) + literals_before, length};
        literals_from = out + length;
        literals_before = 0;
      } else if (distance > static_cast<std::size_t>(out - output.history)) {
        return Status::damaged;
      }
      copy_match(out, distance, length);
      out += length;
    }
    buffer &= mask(count);
    if (status == Status::done) break;
    if (pending_length_ > 0) {
      status = Status::output_full;
      break;
    }

    // One symbol, carefully.
    while (count < 56 && in < in_end) {
      buffer |= std::uint64_t{*in++} << count;
      count += 8;
    }
    if (count < bits_of_match && !input.is_last) {
      status = Status::wants_input;
      break;
    }
    std::uint64_t bits = buffer;
    unsigned taken = 0;
    const auto look_up = [&](const std::uint32_t* table, unsigned width) {
      std::uint32_t found = table[bits & mask(width)];
      if ((found & is_special) != 0 && (found & (is_no_code | is_end)) == 0) {
        bits >>= width;
        taken += width;
        found = table[(found >> 16) + (bits & mask(width_of(found)))];
      }
      return found;
    };
    const auto value_of = [&](std::uint32_t of) {
      const std::uint32_t number =
          (of >> 16) + static_cast<std::uint32_t>((bits & mask(bits_of(of))) >> width_of(of));
      bits >>= bits_of(of);
      taken += bits_of(of);
      return number;
    };
    entry = look_up(lit, lit_bits);
    const bool ends = (entry & is_special) != 0;
    if (ends && (entry & is_no_code) != 0) return Status::damaged;
    if (!ends && out == out_end) {
      status = Status::output_full;
      break;
    }
    if ((entry & is_literal) != 0 || ends) {
      taken += bits_of(entry);
      if (taken > count) return Status::damaged;
      consume(taken);
      if (ends) {
        status = Status::done;
        break;
      }
      *out++ = static_cast<std::uint8_t>(entry >> 16);
      continue;
    }
    const std::uint32_t length = value_of(entry);
    entry = look_up(dist, dist_bits);
    if ((entry & is_special) != 0) return Status::damaged;
    const std::uint32_t distance = value_of(entry);
    if (taken > count || distance > static_cast<std::size_t>(out - output.history)) return Status::damaged;
    consume(taken);
    pending_length_ = length;
    pending_distance_ = distance;
    copy_to_end();
  }
  input.next = in;
  output.next = out;
  output.matches = match;
  output.literals = static_cast<std::uint32_t>(out - literals_from) + literals_before;
  buffer_ = buffer;
  count_ = count;
  return status;
}

}  // namespace axle::zip
