#include "archive/stream.h"

#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <algorithm>

#include "base/interrupt.h"

namespace axle::zip {

char* Bytes::reserve(std::size_t size) {
  if (size > capacity_ || !bytes_) {
    const std::size_t capacity = std::max({size, capacity_ * 3 / 2, std::size_t{1} << 14});
    bytes_.reset();
    bytes_ = std::make_unique_for_overwrite<char[]>(capacity);
    capacity_ = capacity;
  }
  return bytes_.get();
}

void refuse_too_large(const Source& source, const Member& member) {
  refuse_member(source, member.name, "inflates to more than its declared " + count_bytes(member.size));
}

void refuse_too_small(const Source& source, const Member& member, std::uint64_t size) {
  refuse_member(
      source, member.name,
      "inflates to " + count_bytes(size) + " where " + std::to_string(member.size) + " are declared");
}

void refuse_rest(const Source& source, const Member& member, std::uint64_t rest) {
  refuse_member(source, member.name, "has " + count_bytes(rest) + " after the end of its deflate stream");
}

// ISA-L leaves the upper halves of vector registers in use. Until they are cleared, each instruction of the
// old form, among them those of SHA-256, waits for the one before: hashing takes 2.5 times as long.
#if defined(__x86_64__)
__attribute__((target("avx"))) static void clear_upper_halves() noexcept { _mm256_zeroupper(); }
static void leave_isal() noexcept {
  if (__builtin_cpu_supports("avx")) clear_upper_halves();
}
#else
static void leave_isal() noexcept {}
#endif

// ISA-L's is several times as fast as libdeflate's.
std::uint32_t crc32_of(std::string_view bytes, std::uint32_t before) noexcept {
  const std::uint32_t crc =
      crc32_gzip_refl(before, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  leave_isal();
  return crc;
}

void check_crc(const Source& source, const Member& member, std::uint32_t crc) {
  if (crc != member.crc32) {
    refuse_member(source, member.name, "its content does not have its declared CRC");
  }
}

struct MemberStream::Inflating {
  inflate_state state;
};

MemberStream::MemberStream(const Source& source, const Member& member)
    : source_(source), member_(member), packed_at_(member.data_offset), packed_rest_(member.packed_size) {
  if (member.method != ZipMethod::deflate) return;
  inflating_ = std::make_unique<Inflating>();
  isal_inflate_init(&inflating_->state);
}

MemberStream::~MemberStream() = default;

std::string_view MemberStream::next() {
  if (finished_) return {};
  const std::string_view piece = inflating_ ? next_inflated() : next_packed();
  if (piece.empty()) {
    finish();
    return {};
  }
  return verified(piece);
}

std::string_view MemberStream::next_packed() {
  throw_if_interrupted();
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(packed_rest_, piece_size));
  char* const into = packed_.reserve(size);
  source_.read(into, size, packed_at_);
  packed_at_ += size;
  packed_rest_ -= size;
  if (on_packed && size > 0) on_packed({into, size});
  return {into, size};
}

std::string_view MemberStream::next_inflated() {
  inflate_state& state = inflating_->state;
  char* const out = plain_.reserve(piece_size);
  std::size_t filled = 0;
  while (filled < piece_size && state.block_state != ISAL_BLOCK_FINISH) {
    if (state.avail_in == 0 && packed_rest_ > 0) {
      const std::string_view packed = next_packed();
      // ISA-L takes a pointer to bytes that it does not change.
      state.next_in = reinterpret_cast<std::uint8_t*>(const_cast<char*>(packed.data()));
      state.avail_in = static_cast<std::uint32_t>(packed.size());
    }
    state.next_out = reinterpret_cast<std::uint8_t*>(out + filled);
    state.avail_out = static_cast<std::uint32_t>(piece_size - filled);
    const int status = isal_inflate(&state);
    leave_isal();
    if (status < 0) refuse_member(source_, member_.name, "its deflate stream is damaged");
    const std::size_t produced = piece_size - filled - state.avail_out;
    filled += produced;
    if (produced == 0 && state.block_state != ISAL_BLOCK_FINISH && state.avail_in == 0 && packed_rest_ == 0) {
      refuse_member(source_, member_.name, "its deflate stream ends too early");
    }
  }
  if (filled > 0) return {out, filled};
  // Whole bytes that were taken in but not used count as rest.
  const std::uint64_t rest =
      packed_rest_ + state.avail_in + static_cast<std::uint64_t>(std::max(state.read_in_length, 0)) / 8;
  if (rest > 0) refuse_rest(source_, member_, rest);
  return {};
}

std::string_view MemberStream::verified(std::string_view piece) {
  if (piece.size() > member_.size - size_) refuse_too_large(source_, member_);
  size_ += piece.size();
  crc_ = crc32_of(piece, crc_);
  return piece;
}

void MemberStream::finish() {
  if (size_ != member_.size) refuse_too_small(source_, member_, size_);
  check_crc(source_, member_, crc_);
  finished_ = true;
}

}  // namespace axle::zip
