#include "exec/zstd_frame.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "exec/compress.h"

namespace axle {
namespace {

// Bytes, and what they are made of, block by block.
struct Made {
  std::string bytes;
  std::vector<std::vector<Match>> blocks;
};

std::string frame_of(const Made& made) {
  ZstdFrame frame;
  std::string out;
  // Twice: an object is used again.
  for (int i = 0; i < 2; ++i) {
    out.clear();
    frame.begin();
    std::size_t at = 0;
    for (const std::vector<Match>& block : made.blocks) {
      std::size_t size = 0;
      for (const Match& match : block) size += match.literals + match.length;
      frame.add_block(std::string_view(made.bytes).substr(at, size), block);
      at += size;
    }
    frame.end(out);
  }
  return out;
}

// The size of the frame, which libzstd has unpacked to the bytes.
std::size_t size_of_right(const Made& made) {
  const std::string packed = frame_of(made);
  std::string unpacked;
  EXPECT_TRUE(unpack_zstd_frames(packed, made.bytes.size(), unpacked));
  EXPECT_TRUE(unpacked == made.bytes);
  return packed.size();
}

// Adds to what is made: what is said is what the bytes become.
class Maker {
 public:
  explicit Maker(unsigned seed) : random_(seed) {}

  std::uint32_t below(std::uint32_t bound) { return std::uniform_int_distribution(0U, bound - 1)(random_); }
  std::size_t left() const { return ZstdFrame::max_block - size_; }

  // Literals of so many different bytes, then a match; less of either at the end of the block.
  void add(std::size_t literals, std::uint32_t distance, std::size_t length, unsigned alphabet) {
    literals = std::min(literals, left());
    for (std::size_t i = 0; i < literals; ++i) made_.bytes += static_cast<char>(below(alphabet) * 7);
    size_ += literals;
    pending_ += static_cast<std::uint32_t>(literals);
    length = std::min(length, left());
    if (length >= 3 && distance > 0 && distance <= made_.bytes.size()) {
      for (std::size_t i = 0; i < length; ++i) made_.bytes += made_.bytes[made_.bytes.size() - distance];
      size_ += length;
      block_.push_back({distance, pending_, static_cast<std::uint32_t>(length)});
      pending_ = 0;
    }
    if (left() < 3) end_block();
  }
  void end_block() {
    if (size_ == 0) return;
    block_.push_back({0, pending_, 0});
    made_.blocks.push_back(std::move(block_));
    block_.clear();
    size_ = pending_ = 0;
  }
  Made end() {
    end_block();
    return std::move(made_);
  }

 private:
  std::mt19937 random_;
  Made made_;
  std::vector<Match> block_;
  std::size_t size_ = 0;
  std::uint32_t pending_ = 0;
};

TEST(ZstdFrame, HoldsNothing) { EXPECT_LE(size_of_right({}), 16U); }

TEST(ZstdFrame, HoldsBytesWithoutMatches) {
  for (const unsigned alphabet : {1U, 2U, 20U, 256U}) {
    for (const std::size_t size : {1U, 2U, 20U, 63U, 64U, 1000U, 70'000U, 300'000U}) {
      Maker maker(1);
      for (std::size_t done = 0; done < size; done += 1000)
        maker.add(std::min<std::size_t>(1000, size - done), 0, 0, alphabet);
      size_of_right(maker.end());
    }
  }
}

TEST(ZstdFrame, HoldsMatchesOfAllKinds) {
  for (unsigned seed = 0; seed < 24; ++seed) {
    Maker maker(seed);
    const unsigned alphabet = seed % 3 == 0 ? 256 : 3 + seed;
    const std::uint32_t far = seed % 5 == 0 ? 2'000'000U : 1000U << (seed % 7);
    std::vector<std::uint32_t> recent(4, 1);
    for (std::uint32_t turns = 1 + maker.below(15'000); turns > 0; --turns) {
      const std::size_t literals = maker.below(3) == 0 ? 0 : maker.below(1U << maker.below(10));
      const std::size_t length = 3 + maker.below(1U << maker.below(seed % 4 == 0 ? 17 : 9));
      // Distances that were just there, one less than these, and others.
      std::uint32_t distance = 1 + maker.below(far);
      if (maker.below(3) == 0) distance = recent[maker.below(4)] - maker.below(2);
      recent.erase(recent.begin());
      recent.push_back(std::max(2U, distance));
      maker.add(literals, distance, length, alphabet);
      if (maker.below(20'000) == 0) maker.end_block();
    }
    size_of_right(maker.end());
  }
}

TEST(ZstdFrame, HoldsFewMatches) {
  for (std::size_t count = 1; count < 300; ++count) {
    Maker maker(5);
    for (std::size_t i = 0; i < count; ++i) maker.add(1 + maker.below(5), 1 + maker.below(9), 40, 256);
    EXPECT_LT(size_of_right(maker.end()), 40 + count * 12) << count;
  }
}

// Each of them takes more than its three bytes.
TEST(ZstdFrame, LeavesOutMatchesThatCostMoreThanTheySave) {
  for (const unsigned alphabet : {256U, 30U}) {
    Maker maker(7);
    maker.add(ZstdFrame::max_block, 0, 0, alphabet);
    for (int i = 0; i < 100'000; ++i) maker.add(maker.below(2), 1 + maker.below(120'000), 3, alphabet);
    // Blocks that are worth it before and after, with tables that may be used again.
    for (int i = 0; i < 20'000; ++i) maker.add(maker.below(4), 1 + maker.below(500), 5 + maker.below(8), 20);
    for (int i = 0; i < 100'000; ++i) maker.add(maker.below(2), 1 + maker.below(120'000), 3, alphabet);
    for (int i = 0; i < 20'000; ++i) maker.add(maker.below(4), 1 + maker.below(500), 5 + maker.below(8), 20);
    const Made made = maker.end();
    EXPECT_LT(size_of_right(made), made.bytes.size());
  }
}

TEST(ZstdFrame, TakesLittleForMatchesThatAreAllAlike) {
  Maker maker(9);
  maker.add(100, 0, 0, 256);
  for (int i = 0; i < 100'000; ++i) maker.add(1, 99, 20, 256);
  const Made made = maker.end();
  // One byte of a literal each, and next to nothing for the matches.
  EXPECT_LT(size_of_right(made), 104'000U);
}

}  // namespace
}  // namespace axle
