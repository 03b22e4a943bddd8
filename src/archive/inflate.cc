#include "archive/inflate.h"

#include <libdeflate.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <new>

#include "archive/stream.h"

namespace axle::zip {
namespace {

// Members are mostly small and read in the order in which they lie: one read serves several.
constexpr std::uint64_t read_ahead = 32U << 10;
constexpr std::uint64_t max_expected = 512U << 10;

void check_readable(const Source& source, const Member& member) {
  if (member.size <= Archive::max_read_size) return;
  refuse_member(source, member.name,
                "has " + count_bytes(member.size) + "; at most " + std::to_string(Archive::max_read_size) +
                    " are accepted here");
}

}  // namespace

Inflater::Inflater() : decompressor_(libdeflate_alloc_decompressor()) {
  if (decompressor_ == nullptr) throw std::bad_alloc();
}

Inflater::~Inflater() { libdeflate_free_decompressor(decompressor_); }

std::string_view Inflater::read(const Source& source, const Member& member) {
  check_readable(source, member);
  const auto size = static_cast<std::size_t>(member.size);
  char* const plain = plain_.reserve(size);
  read(source, member, plain);
  return {plain, size};
}

void Inflater::read(const Source& source, const Member& member, char* into) {
  packed_view_ = {};
  check_readable(source, member);
  const auto size = static_cast<std::size_t>(member.size);
  if (member.method == ZipMethod::stored) {
    source.read(into, size, member.data_offset);
    check_crc(source, member, crc32_of({into, size}));
    return;
  }
  // Deflate may pad without bound: what is much larger than what it holds goes through bounded memory.
  if (member.packed_size <= member.size + member.size / 8 + piece_size) {
    inflate(source, member, into);
    check_crc(source, member, crc32_of({into, size}));
    return;
  }
  std::size_t used = 0;
  stream_member(source, member, [&](std::string_view piece) {
    std::memcpy(into + used, piece.data(), piece.size());
    used += piece.size();
  });
}

void Inflater::expect(const Source& source, std::uint64_t until) noexcept {
  expected_end_ = until;
  expected_serial_ = source.serial;
}

const char* Inflater::packed_bytes(const Source& source, const Member& member) {
  const std::uint64_t begin = member.data_offset;
  const std::uint64_t end = begin + member.packed_size;
  if (source.memory != nullptr) return source.memory + begin;
  const bool is_there =
      source.serial != 0 && source.serial == packed_serial_ && begin >= packed_begin_ && end <= packed_end_;
  if (!is_there) {
    const bool expected = source.serial == expected_serial_ && begin < expected_end_;
    const std::uint64_t wanted = expected ? std::min(expected_end_ - begin, max_expected) : read_ahead;
    const std::uint64_t ahead = std::min(wanted, source.size - std::min(source.size, begin));
    const auto size = static_cast<std::size_t>(std::max(member.packed_size, ahead));
    packed_serial_ = 0;
    source.read(packed_.reserve(size), size, begin);
    packed_begin_ = begin;
    packed_end_ = begin + size;
    packed_serial_ = source.serial;
  }
  return packed_.data() + (begin - packed_begin_);
}

void Inflater::inflate(const Source& source, const Member& member, char* into) {
  const auto packed_size = static_cast<std::size_t>(member.packed_size);
  const auto size = static_cast<std::size_t>(member.size);
  const char* const packed = packed_bytes(source, member);
  packed_view_ = {packed, packed_size};
  std::size_t used = 0;
  std::size_t produced = 0;
  switch (
      libdeflate_deflate_decompress_ex(decompressor_, packed, packed_size, into, size, &used, &produced)) {
    case LIBDEFLATE_SUCCESS:
      break;
    case LIBDEFLATE_INSUFFICIENT_SPACE:
      refuse_too_large(source, member);
    default:
      refuse_member(source, member.name, "its deflate stream is damaged");
  }
  if (produced != size) refuse_too_small(source, member, produced);
  if (used != packed_size) refuse_rest(source, member, packed_size - used);
}

void stream_member(const Source& source, const Member& member,
                   const std::function<void(std::string_view)>& sink) {
  MemberStream stream(source, member);
  for (std::string_view piece = stream.next(); !piece.empty(); piece = stream.next()) sink(piece);
}

}  // namespace axle::zip
