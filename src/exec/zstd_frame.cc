// Writing a zstd frame whose matches are known.
//
// Problem. What is left of compressing when nothing has to be searched for is writing: of each match the
// number of literals before it, its length and its distance. There are millions of them, so what each of them
// costs is what a layer costs. libzstd takes a list of matches too (ZSTD_compressSequences), but goes over it
// five times, and keeps a whole frame in memory meanwhile.
//
// Here each block of 128 KiB is written as soon as its matches are known, while they are in the nearest
// memory, in two passes (zstd_sequences.h). The first turns matches into symbols and counts these; then the
// tables are chosen; the second writes, from the last to the first, as FSE wants it (fse_code.h).
//
// A block consists of two parts: the literals, all together, and the sequences. Only the second is written
// here. The literals are given to libzstd, as a frame of blocks that have no matches; what it makes of each
// of them is a block that begins with just what is wanted. It may use the table of an earlier block again: as
// all blocks with literals are in both frames, in the same order, the reader of ours has that table too.
//
// For that, a block that has a table must never be given up for its bytes as they are. So it is decided
// before the literals are compressed: matches whose sequences take as many bytes as they save are not used,
// and what is left is either a block without any, which is libzstd's as it is, or one that is certainly
// smaller than its bytes.
//
// spec: RFC 8878, section 3.1.1.

#include "exec/zstd_frame.h"

#include <algorithm>
#include <cstring>

#include "exec/compress.h"

namespace axle {
namespace {

// Literals are copied so many at once.
constexpr std::size_t copy_piece = 16;

// spec: RFC 8878, section 3.1.1.3.2.2.
constexpr std::array<FseShares, 3> usual_shares = {{
    {{4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1,  1,  2,  2,
      2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1},
     6},
    {{1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,  1,  1,  1,  1,  1,  1, 1,
      1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1},
     6},
    {{1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1}, 5},
}};
constexpr std::array<unsigned, 3> max_logs = {9, 9, 8};

// How a block tells a table. spec: RFC 8878, section 3.1.1.3.2.1.
enum Mode : unsigned { usual, single, described, repeated };

void append_le(std::string& out, std::uint64_t value, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) out += static_cast<char>((value >> (8 * i)) & 0xff);
}

// spec: RFC 8878, section 3.1.1.3.1.1.
void append_literals_header(std::string& out, unsigned kind, std::size_t size) {
  if (size < 32) return append_le(out, kind | size << 3, 1);
  if (size < 4096) return append_le(out, kind | 1U << 2 | size << 4, 2);
  append_le(out, kind | 3U << 2 | size << 4, 3);
}

}  // namespace

void ZstdFrame::begin() {
  for (Code& code : codes_) code.shares.reset();
  recent_ = first_recent;
  blocks_.clear();
  sections_.clear();
  literals_size_ = size_ = 0;
}

void ZstdFrame::add_block(std::string_view bytes, std::span<const Match> matches) {
  const ZstdRecent recent = recent_;
  const std::array<std::optional<FseShares>, 3> shares = {codes_[0].shares, codes_[1].shares,
                                                          codes_[2].shares};
  const std::size_t section = sections_.size();
  const std::size_t literals_begin = literals_size_;
  const std::size_t count = matches.size() - 1;
  size_ += bytes.size();
  if (count > 0) {
    std::array<FseCounts, 3> counts;
    for (FseCounts& one : counts) one.all = static_cast<std::uint32_t>(count);
    make_sequences(matches.first(count), recent_, sequences_.reserve(count, 0), counts);
    append_sequences(count, counts);
    const std::size_t literals = take_literals(bytes, matches);
    // The header of literals as they are, and one byte to be less than the bytes of the block.
    if (literals + 3 + sections_.size() - section < bytes.size()) {
      blocks_.push_back({bytes.size(), literals, sections_.size(), true});
      return;
    }
    sections_.resize(section);
    literals_size_ = literals_begin;
    recent_ = recent;
    for (std::size_t kind = 0; kind < 3; ++kind) codes_[kind].shares = shares[kind];
  }
  const Match all{0, static_cast<std::uint32_t>(bytes.size()), 0};
  take_literals(bytes, {&all, 1});
  blocks_.push_back({bytes.size(), bytes.size(), section, false});
}

std::size_t ZstdFrame::take_literals(std::string_view bytes, std::span<const Match> matches) {
  char* const begin =
      literals_.reserve(literals_size_ + bytes.size() + copy_piece, literals_size_) + literals_size_;
  char* to = begin;
  const char* from = bytes.data();
  const char* const quick_end = from + bytes.size() - std::min(bytes.size(), copy_piece);
  for (const Match& match : matches) {
    if (match.literals <= copy_piece && from < quick_end) [[likely]] {
      std::memcpy(to, from, copy_piece);
    } else {
      std::memcpy(to, from, match.literals);
    }
    to += match.literals;
    from += match.literals + match.length;
  }
  literals_size_ += static_cast<std::size_t>(to - begin);
  return static_cast<std::size_t>(to - begin);
}

void ZstdFrame::append_sequences(std::size_t count, const std::array<FseCounts, 3>& counts) {
  if (count < 128) {
    append_le(sections_, count, 1);
  } else if (count < 0x7f00) {
    append_le(sections_, (count >> 8) + 128, 1);
    append_le(sections_, count & 0xff, 1);
  } else {
    append_le(sections_, 255, 1);
    append_le(sections_, count - 0x7f00, 2);
  }
  const std::size_t modes = sections_.size();
  sections_ += '\0';
  // Literal lengths, distances, match lengths.
  unsigned all = 0;
  for (const std::size_t kind : {literal_lengths, distances, match_lengths}) {
    all = all << 2 | choose_table(kind, counts[kind]);
  }
  sections_[modes] = static_cast<char>(all << 2);
  char* const begin = bits_.reserve(sequences_bound(count), 0);
  const char* const end = write_sequences({&codes_[0].table, &codes_[1].table, &codes_[2].table},
                                          {sequences_.data(), count}, begin);
  sections_.append(begin, static_cast<std::size_t>(end - begin));
}

// Puts what describes the table to the sections.
unsigned ZstdFrame::choose_table(std::size_t kind, const FseCounts& counts) {
  Code& code = codes_[kind];
  const auto used =
      std::find_if(counts.of.begin(), counts.of.end(), [](std::uint32_t of) { return of != 0; });
  if (*used == counts.all) {
    append_le(sections_, static_cast<std::uint64_t>(used - counts.of.begin()), 1);
    code.table.make_single();
    code.shares.reset();
    return single;
  }
  const FseShares own = share_cells(counts, max_logs[kind]);
  const std::size_t begin = sections_.size();
  append_description(sections_, own);
  const std::uint64_t as_described = cost_of(counts, own) + (sections_.size() - begin) * 8 * 256;
  const std::uint64_t as_usual = cost_of(counts, usual_shares[kind]);
  const std::uint64_t as_repeated = code.shares ? cost_of(counts, *code.shares) : UINT64_MAX;
  if (as_described < as_usual && as_described < as_repeated) {
    code.table.make(own);
    code.shares = own;
    return described;
  }
  sections_.resize(begin);
  if (as_repeated <= as_usual) {
    code.table.make(*code.shares);
    return repeated;
  }
  code.table.make(usual_shares[kind]);
  code.shares.reset();
  return usual;
}

void ZstdFrame::end(std::string& out) {
  if (blocks_.empty()) blocks_.push_back({});
  std::vector<std::uint32_t> literals;
  for (const Block& block : blocks_) {
    if (block.literals > 0) literals.push_back(static_cast<std::uint32_t>(block.literals));
  }
  ZstdLiterals packed(std::string_view(literals_.data(), literals_size_), literals);
  out.reserve(out.size() + literals_size_ + sections_.size() + 16 * blocks_.size() + 16);
  append_le(out, 0xfd2fb528, 4);
  out += '\xa0';  // one segment, its size in 4 bytes
  append_le(out, size_, 4);
  std::size_t section = 0;
  for (const Block& block : blocks_) {
    const std::uint32_t last = &block == &blocks_.back() ? 1 : 0;
    const ZstdLiterals::Block part = block.literals > 0 ? packed.next() : ZstdLiterals::Block{};
    const std::size_t header = out.size();
    const auto end_block = [&](unsigned kind, std::size_t size) {
      std::string text;
      append_le(text, last | kind << 1 | size << 3, 3);
      out.replace(header, 3, text);
    };
    out.append(3, '\0');
    if (!block.has_sequences) {
      out += part.content;
      end_block(part.kind, part.kind == ZstdLiterals::packed ? part.content.size() : block.size);
      continue;
    }
    if (part.kind != ZstdLiterals::packed) append_literals_header(out, part.kind, block.literals);
    out += part.content;
    if (part.kind == ZstdLiterals::packed) out.pop_back();  // the number of sequences, which is 0
    out.append(sections_, section, block.sequences_end - section);
    section = block.sequences_end;
    end_block(ZstdLiterals::packed, out.size() - header - 3);
  }
}

}  // namespace axle
