// Two SHA-256 digests side by side.
//
// Problem. The processor's instruction for two rounds of SHA-256 gives its result after four cycles, and each
// needs the one before; but another may begin after two. So one digest uses half of what the processor can
// do, and OpenSSL's implementation, which makes one digest at a time, takes as long as inflating does.
//
// Algorithm. Two lanes, each with the state of one digest. Both take in as many blocks of 64 bytes as the one
// that is nearer to its end has left, their instructions mixed; then that one goes on to its padding, or to
// the next text. When no text is left, the other lane goes on alone. Measured: 1.8 GB/s become 3.6.
//
// A text that is still growing (GrowingSha256) has a lane of its own, which takes in what has come beside
// that of another.
//
// Processors without these instructions use OpenSSL, text by text.

#include "base/sha256_lanes.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <utility>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

namespace axle {
namespace {

#if defined(__x86_64__)

#define AXLE_SHA_TARGET __attribute__((target("sha,sse4.1")))

// spec: FIPS 180-4, 4.2.2
alignas(16) constexpr std::array<std::uint32_t, 64> round_constants{
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

constexpr std::size_t block_size = 64;

// One text on its way: what is left of the present piece in whole blocks; after the last piece the last bytes
// with the padding.
struct Lane {
  __m128i abef, cdgh;  // the state, in the order of the instructions
  const char* at = nullptr;
  std::size_t blocks = 0;
  Pieces more;  // none: nothing comes after the present piece
  bool in_padding = false;
  std::uint64_t size = 0;  // bytes so far
  std::size_t rest = 0;    // bytes of the last piece, at the begin of the padding
  std::array<char, 2 * block_size> padding;
  Sha256* digest = nullptr;
};

bool has_instructions() noexcept {
  static const bool known = [] {
    unsigned a = 0;
    unsigned b = 0;
    unsigned c = 0;
    unsigned d = 0;
    if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & bit_SSE4_1) == 0 || (c & bit_SSSE3) == 0) return false;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & bit_SHA) != 0;
  }();
  return known;
}

AXLE_SHA_TARGET void begin(Lane& lane, Sha256& digest) {
  lane.abef =
      _mm_set_epi32(0x6a09e667, static_cast<int>(0xbb67ae85), 0x510e527f, static_cast<int>(0x9b05688c));
  lane.cdgh = _mm_set_epi32(0x3c6ef372, static_cast<int>(0xa54ff53a), 0x1f83d9ab, 0x5be0cd19);
  lane.in_padding = false;
  lane.size = 0;
  lane.rest = 0;
  lane.digest = &digest;
}

void take(Lane& lane, std::string_view piece) {
  lane.size += piece.size();
  lane.at = piece.data();
  lane.blocks = piece.size() / block_size;
  lane.rest = piece.copy(lane.padding.data(), block_size, lane.blocks * block_size);
}

void pad(Lane& lane) {
  lane.in_padding = true;
  lane.at = lane.padding.data();
  lane.blocks = lane.rest < block_size - 8 ? 1 : 2;
  std::fill(lane.padding.begin() + static_cast<std::ptrdiff_t>(lane.rest), lane.padding.end(), '\0');
  lane.padding[lane.rest] = static_cast<char>(0x80);
  const std::uint64_t bits = __builtin_bswap64(lane.size * 8);
  std::memcpy(lane.padding.data() + lane.blocks * block_size - sizeof bits, &bits, sizeof bits);
}

AXLE_SHA_TARGET void finish(Lane& lane) {
  std::array<std::uint32_t, 4> abef;
  std::array<std::uint32_t, 4> cdgh;
  _mm_storeu_si128(reinterpret_cast<__m128i*>(abef.data()), lane.abef);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(cdgh.data()), lane.cdgh);
  const std::array<std::uint32_t, 8> words{abef[3], abef[2], cdgh[3], cdgh[2],
                                           abef[1], abef[0], cdgh[1], cdgh[0]};
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::uint32_t big_endian = __builtin_bswap32(words[i]);
    std::memcpy(lane.digest->bytes.data() + 4 * i, &big_endian, sizeof big_endian);
  }
  lane.digest = nullptr;
}

// The next blocks of `count` lanes.
template <std::size_t count>
AXLE_SHA_TARGET __attribute__((always_inline)) inline void compress(const std::array<Lane*, count>& lanes,
                                                                    std::size_t blocks) {
  const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  __m128i abef[count];
  __m128i cdgh[count];
  __m128i words[count][4];
  for (std::size_t l = 0; l < count; ++l) {
    abef[l] = lanes[l]->abef;
    cdgh[l] = lanes[l]->cdgh;
  }
  for (std::size_t block = 0; block < blocks; ++block) {
    for (std::size_t l = 0; l < count; ++l) {
      const auto* from = reinterpret_cast<const __m128i*>(lanes[l]->at + block * block_size);
      for (std::size_t i = 0; i < 4; ++i) words[l][i] = _mm_shuffle_epi8(_mm_loadu_si128(from + i), swap);
    }
    __m128i first_abef[count];
    __m128i first_cdgh[count];
    for (std::size_t l = 0; l < count; ++l) {
      first_abef[l] = abef[l];
      first_cdgh[l] = cdgh[l];
    }
#pragma GCC unroll 16
    for (std::size_t r = 0; r < 16; ++r) {  // four rounds each
      const __m128i constants =
          _mm_load_si128(reinterpret_cast<const __m128i*>(round_constants.data() + 4 * r));
#pragma GCC unroll 2
      for (std::size_t l = 0; l < count; ++l) {
        __m128i* const w = words[l];
        const __m128i sum = _mm_add_epi32(w[r % 4], constants);
        cdgh[l] = _mm_sha256rnds2_epu32(cdgh[l], abef[l], sum);
        abef[l] = _mm_sha256rnds2_epu32(abef[l], cdgh[l], _mm_shuffle_epi32(sum, 0x0e));
        if (r < 12) {  // the words of four rounds further on
          const __m128i earlier = _mm_alignr_epi8(w[(r + 3) % 4], w[(r + 2) % 4], 4);
          const __m128i part = _mm_add_epi32(_mm_sha256msg1_epu32(w[r % 4], w[(r + 1) % 4]), earlier);
          w[r % 4] = _mm_sha256msg2_epu32(part, w[(r + 3) % 4]);
        }
      }
    }
    for (std::size_t l = 0; l < count; ++l) {
      abef[l] = _mm_add_epi32(abef[l], first_abef[l]);
      cdgh[l] = _mm_add_epi32(cdgh[l], first_cdgh[l]);
    }
  }
  for (std::size_t l = 0; l < count; ++l) {
    lanes[l]->abef = abef[l];
    lanes[l]->cdgh = cdgh[l];
    lanes[l]->at += blocks * block_size;
    lanes[l]->blocks -= blocks;
  }
}

// What the lane has; of both, what they have in common.
AXLE_SHA_TARGET void take_in(Lane& lane) { compress<1>({&lane}, lane.blocks); }
AXLE_SHA_TARGET void take_in_both(Lane& a, Lane& b) { compress<2>({&a, &b}, std::min(a.blocks, b.blocks)); }

// Gives the lane blocks to take in; false when nothing is left for it. `next_text` begins the lane's next
// text, if there is one.
template <class NextText>
bool refill(Lane& lane, const NextText& next_text) {
  while (lane.blocks == 0) {
    if (lane.digest != nullptr && !lane.in_padding) {
      const std::string_view piece = lane.more ? lane.more() : "";
      if (piece.empty()) {
        pad(lane);
      } else {
        if (lane.rest > 0)
          throw std::logic_error("a piece that is no multiple of 64 bytes, and not the last");
        take(lane, piece);
      }
      continue;
    }
    if (lane.digest != nullptr) finish(lane);
    if (!next_text(lane)) return false;
  }
  return true;
}

template <class NextText>
AXLE_SHA_TARGET void two_lanes(const NextText& next_text) {
  std::array<Lane, 2> lanes;
  while (true) {
    const bool first = refill(lanes[0], next_text);
    const bool second = refill(lanes[1], next_text);
    if (first && second) {
      compress<2>({&lanes[0], &lanes[1]}, std::min(lanes[0].blocks, lanes[1].blocks));
    } else if (first || second) {
      Lane& lane = lanes[first ? 0 : 1];
      compress<1>({&lane}, lane.blocks);
    } else {
      return;
    }
  }
}

#endif

}  // namespace

void sha256_each(std::span<const std::string_view> texts, std::span<Sha256> digests) {
#if defined(__x86_64__)
  if (texts.size() > 1 && has_instructions()) {
    std::size_t next = 0;
    return two_lanes([&](Lane& lane) {
      if (next == texts.size()) return false;
      begin(lane, digests[next]);
      take(lane, texts[next]);
      ++next;
      return true;
    });
  }
#endif
  for (std::size_t i = 0; i < texts.size(); ++i) digests[i] = Sha256::of(texts[i]);
}

void sha256_streams(const std::function<Pieces(std::size_t)>& begin_text, std::span<Sha256> digests) {
#if defined(__x86_64__)
  if (has_instructions()) {
    std::size_t next = 0;
    return two_lanes([&](Lane& lane) {
      if (next == digests.size()) return false;
      begin(lane, digests[next]);
      lane.more = begin_text(next);
      ++next;
      return true;
    });
  }
#endif
  for (std::size_t i = 0; i < digests.size(); ++i) {
    const Pieces more = begin_text(i);
    Hasher hasher;
    for (std::string_view piece = more(); !piece.empty(); piece = more()) hasher.update(piece);
    digests[i] = hasher.finish_sha256();
  }
}

struct GrowingSha256::Impl {
  const char* text = nullptr;
  std::size_t size = 0;
  std::size_t taken = 0;  // of it, whole blocks
#if defined(__x86_64__)
  Lane lane;
  Sha256 digest;
#endif
  Hasher hasher;

  std::size_t blocks() const { return (size - taken) / 64; }

  void take_alone() {
    hasher.update({text + taken, blocks() * 64});
    taken += blocks() * 64;
  }
};

GrowingSha256::GrowingSha256() : impl_(std::make_unique<Impl>()) {}
GrowingSha256::~GrowingSha256() = default;
GrowingSha256::GrowingSha256(GrowingSha256&&) noexcept = default;
GrowingSha256& GrowingSha256::operator=(GrowingSha256&&) noexcept = default;

void GrowingSha256::restart(const char* text) {
  impl_->text = text;
  impl_->size = impl_->taken = 0;
  impl_->hasher.reset();
#if defined(__x86_64__)
  if (has_instructions()) begin(impl_->lane, impl_->digest);
#endif
}

void GrowingSha256::grow(std::size_t size) { impl_->size = size; }

void GrowingSha256::advance(std::span<GrowingSha256* const> all) {
#if defined(__x86_64__)
  if (has_instructions()) {
    std::size_t next = 0;
    // Gives one that has blocks to take in the rest of them.
    const auto refill = [&](Impl*& one) {
      if (one != nullptr && one->lane.blocks > 0) return;
      for (one = nullptr; one == nullptr && next < all.size(); ++next) {
        Impl& candidate = *all[next]->impl_;
        if (candidate.blocks() == 0) continue;
        one = &candidate;
        candidate.lane.at = candidate.text + candidate.taken;
        candidate.lane.blocks = candidate.blocks();
        candidate.taken += candidate.lane.blocks * block_size;
      }
    };
    for (Impl *first = nullptr, *second = nullptr;;) {
      refill(first);
      refill(second);
      if (first != nullptr && second != nullptr) {
        take_in_both(first->lane, second->lane);
      } else if (first != nullptr || second != nullptr) {
        take_in((first != nullptr ? first : second)->lane);
      } else {
        return;
      }
    }
  }
#endif
  for (GrowingSha256* one : all) one->impl_->take_alone();
}

Sha256 GrowingSha256::finish() {
  GrowingSha256* const self = this;
  advance({&self, 1});
  const std::string_view rest(impl_->text + impl_->taken, impl_->size - impl_->taken);
#if defined(__x86_64__)
  if (has_instructions()) {
    Lane& lane = impl_->lane;
    lane.size = impl_->size;
    lane.rest = rest.copy(lane.padding.data(), block_size);
    pad(lane);
    take_in(lane);
    axle::finish(lane);
    return impl_->digest;
  }
#endif
  impl_->hasher.update(rest);
  return impl_->hasher.finish_sha256();
}

std::array<Sha256, 2> sha256_pair(Pieces first, Pieces second) {
  std::array<Sha256, 2> digests;
  sha256_streams([&](std::size_t i) { return std::move(i == 0 ? first : second); }, digests);
  return digests;
}

}  // namespace axle
