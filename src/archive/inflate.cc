#include "archive/inflate.h"

#include <isa-l/igzip_lib.h>
#include <libdeflate.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <new>

#include "base/file.h"
#include "base/interrupt.h"

namespace axle::zip {
namespace {

constexpr std::size_t piece_size = 256U << 10;

[[noreturn]] void fail(const Source& source, const Member& member, const std::string& message) {
  refuse_member(source, member.name, message);
}

[[noreturn]] void fail_too_large(const Source& source, const Member& member) {
  fail(source, member, "inflates to more than its declared " + count_bytes(member.size));
}

[[noreturn]] void fail_too_small(const Source& source, const Member& member, std::uint64_t size) {
  fail(source, member,
       "inflates to " + count_bytes(size) + " where " + std::to_string(member.size) + " are declared");
}

[[noreturn]] void fail_rest(const Source& source, const Member& member, std::uint64_t rest) {
  fail(source, member, "has " + count_bytes(rest) + " after the end of its deflate stream");
}

void check_crc(const Source& source, const Member& member, std::uint32_t crc) {
  if (crc != member.crc32) fail(source, member, "its content does not have its declared CRC");
}

// Takes the pieces of one member and sees to size and CRC.
class Verifier {
 public:
  Verifier(const Source& source, const Member& member, const std::function<void(std::string_view)>& sink)
      : source_(source), member_(member), sink_(sink) {}

  void put(std::string_view piece) {
    if (piece.empty()) return;
    if (piece.size() > member_.size - size_) fail_too_large(source_, member_);
    size_ += piece.size();
    crc_ = libdeflate_crc32(crc_, piece.data(), piece.size());
    sink_(piece);
  }

  void finish() const {
    if (size_ != member_.size) fail_too_small(source_, member_, size_);
    check_crc(source_, member_, crc_);
  }

 private:
  const Source& source_;
  const Member& member_;
  const std::function<void(std::string_view)>& sink_;
  std::uint64_t size_ = 0;
  std::uint32_t crc_ = 0;
};

// The packed bytes of a member, piece by piece.
class PackedBytes {
 public:
  PackedBytes(const Source& source, const Member& member)
      : source_(source), at_(member.data_offset), rest_(member.packed_size) {}

  // The next bytes; empty after the last. The view lives until the next call.
  std::string_view next() {
    throw_if_interrupted();
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(rest_, piece_size));
    char* const into = bytes_.reserve(size);
    pread_exactly(source_.fd, into, size, at_, source_.name);
    at_ += size;
    rest_ -= size;
    return {into, size};
  }
  std::uint64_t rest() const noexcept { return rest_; }

 private:
  const Source& source_;
  std::uint64_t at_;
  std::uint64_t rest_;
  Bytes bytes_;
};

void stream_deflate(const Source& source, const Member& member, Verifier& verifier) {
  PackedBytes packed(source, member);
  const auto state = std::make_unique<inflate_state>();
  isal_inflate_init(state.get());
  Bytes plain;
  char* const out = plain.reserve(piece_size);
  while (true) {
    if (state->avail_in == 0 && packed.rest() > 0) {
      const std::string_view next = packed.next();
      // ISA-L takes a pointer to bytes that it does not change.
      state->next_in = reinterpret_cast<std::uint8_t*>(const_cast<char*>(next.data()));
      state->avail_in = static_cast<std::uint32_t>(next.size());
    }
    state->next_out = reinterpret_cast<std::uint8_t*>(out);
    state->avail_out = piece_size;
    const int result = isal_inflate(state.get());
    if (result < 0) fail(source, member, "its deflate stream is damaged");
    const std::size_t produced = piece_size - state->avail_out;
    verifier.put({out, produced});
    if (state->block_state == ISAL_BLOCK_FINISH) break;
    if (produced == 0 && state->avail_in == 0 && packed.rest() == 0) {
      fail(source, member, "its deflate stream ends too early");
    }
  }
  // Whole bytes that were taken in but not used count as rest.
  const std::uint64_t rest =
      packed.rest() + state->avail_in + static_cast<std::uint64_t>(std::max(state->read_in_length, 0)) / 8;
  if (rest > 0) fail_rest(source, member, rest);
}

}  // namespace

char* Bytes::reserve(std::size_t size) {
  if (size > capacity_ || !bytes_) {
    const std::size_t capacity = std::max({size, capacity_ * 3 / 2, std::size_t{1} << 14});
    bytes_.reset();
    bytes_ = std::make_unique_for_overwrite<char[]>(capacity);
    capacity_ = capacity;
  }
  return bytes_.get();
}

Inflater::Inflater() : decompressor_(libdeflate_alloc_decompressor()) {
  if (decompressor_ == nullptr) throw std::bad_alloc();
}

Inflater::~Inflater() { libdeflate_free_decompressor(decompressor_); }

std::string_view Inflater::read(const Source& source, const Member& member) {
  if (member.size > Archive::max_read_size) {
    fail(source, member,
         "has " + count_bytes(member.size) + "; at most " + std::to_string(Archive::max_read_size) +
             " are accepted here");
  }
  const auto size = static_cast<std::size_t>(member.size);
  char* const plain = plain_.reserve(size);
  if (member.method == ZipMethod::stored) {
    pread_exactly(source.fd, plain, size, member.data_offset, source.name);
    check_crc(source, member, libdeflate_crc32(0, plain, size));
    return {plain, size};
  }
  // Deflate may pad without bound: what is much larger than what it holds goes through bounded memory.
  if (member.packed_size <= member.size + member.size / 8 + piece_size) {
    inflate(source, member, plain);
    check_crc(source, member, libdeflate_crc32(0, plain, size));
    return {plain, size};
  }
  std::size_t used = 0;
  stream_member(source, member, [&](std::string_view piece) {
    std::memcpy(plain + used, piece.data(), piece.size());
    used += piece.size();
  });
  return {plain, size};
}

void Inflater::inflate(const Source& source, const Member& member, char* into) {
  const auto packed_size = static_cast<std::size_t>(member.packed_size);
  const auto size = static_cast<std::size_t>(member.size);
  char* const packed = packed_.reserve(packed_size);
  pread_exactly(source.fd, packed, packed_size, member.data_offset, source.name);
  std::size_t used = 0;
  std::size_t produced = 0;
  switch (
      libdeflate_deflate_decompress_ex(decompressor_, packed, packed_size, into, size, &used, &produced)) {
    case LIBDEFLATE_SUCCESS:
      break;
    case LIBDEFLATE_INSUFFICIENT_SPACE:
      fail_too_large(source, member);
    default:
      fail(source, member, "its deflate stream is damaged");
  }
  if (produced != size) fail_too_small(source, member, produced);
  if (used != packed_size) fail_rest(source, member, packed_size - used);
}

void stream_member(const Source& source, const Member& member,
                   const std::function<void(std::string_view)>& sink) {
  Verifier verifier(source, member, sink);
  if (member.method == ZipMethod::deflate) {
    stream_deflate(source, member, verifier);
  } else {
    PackedBytes packed(source, member);
    while (packed.rest() > 0) verifier.put(packed.next());
  }
  verifier.finish();
}

}  // namespace axle::zip
