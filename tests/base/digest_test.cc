#include "axle/base/digest.h"

#include <gtest/gtest.h>

#include <vector>

#include "axle/base/error.h"
#include "base/sha256_lanes.h"

namespace axle {
namespace {

TEST(Sha256, KnowsTheStandardsVectors) {
  EXPECT_EQ(Sha256::of("").hex(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Sha256::of("abc").hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Sha256, IsTheSameForManyTextsAtOnce) {
  // All sizes around the ends of blocks, of both lanes, and neighbours of very different size.
  std::string bytes;
  for (std::size_t i = 0; i < 5000; ++i) bytes += static_cast<char>(i * 131 >> 3);
  std::vector<std::string_view> texts;
  for (std::size_t size = 0; size <= 300; ++size) texts.push_back(std::string_view(bytes).substr(size, size));
  for (std::size_t size = 0; size <= 300; size += 7) {
    texts.push_back(std::string_view(bytes).substr(0, 5000 - size));
    texts.push_back(std::string_view(bytes).substr(0, size));
  }
  for (const std::size_t count :
       {std::size_t{0}, std::size_t{1}, std::size_t{2}, std::size_t{3}, texts.size()}) {
    std::vector<Sha256> digests(count);
    sha256_each(std::span(texts).first(count), digests);
    for (std::size_t i = 0; i < count; ++i) EXPECT_EQ(digests[i], Sha256::of(texts[i])) << texts[i].size();
  }
}

TEST(Sha256, IsTheSameForTwoTextsInPieces) {
  std::string bytes;
  for (std::size_t i = 0; i < 3000; ++i) bytes += static_cast<char>(i * 151 >> 2);
  const auto pieces_of = [](std::string_view text) {
    return [text]() mutable {
      const std::string_view piece = text.substr(0, 128);
      text.remove_prefix(piece.size());
      return piece;
    };
  };
  for (const std::size_t size : {0U, 1U, 63U, 64U, 127U, 128U, 129U, 256U, 383U, 2999U}) {
    const std::string_view text = std::string_view(bytes).substr(0, size);
    const auto digests = sha256_pair(pieces_of(text), pieces_of(bytes));
    EXPECT_EQ(digests[0], Sha256::of(text)) << size;
    EXPECT_EQ(digests[1], Sha256::of(bytes)) << size;
  }
}

TEST(Sha256, IsTheSameForManyTextsInPieces) {
  std::string bytes;
  for (std::size_t i = 0; i < 3000; ++i) bytes += static_cast<char>(i * 89 >> 1);
  const std::vector<std::size_t> sizes{2999, 1, 0, 64, 65, 1500, 128, 2000, 127};
  std::size_t to_the_end = 0;
  std::vector<Sha256> digests(sizes.size());
  const auto begin = [&](std::size_t i) -> Pieces {
    return [&, text = std::string_view(bytes).substr(0, sizes[i])]() mutable {
      const std::string_view piece = text.substr(0, 192);
      text.remove_prefix(piece.size());
      if (piece.empty()) ++to_the_end;
      return piece;
    };
  };
  for (std::size_t count = 0; count <= sizes.size(); ++count) {
    to_the_end = 0;
    sha256_streams(begin, std::span(digests).first(count));
    EXPECT_EQ(to_the_end, count) << "each is read until nothing comes";
    for (std::size_t i = 0; i < count; ++i) {
      EXPECT_EQ(digests[i], Sha256::of(std::string_view(bytes).substr(0, sizes[i]))) << i;
    }
  }
}

TEST(Sha256, IsTheSameForTextsThatGrow) {
  std::string bytes;
  for (std::size_t i = 0; i < 20'000; ++i) bytes += static_cast<char>(i * 61 >> 2);
  const std::vector<std::size_t> sizes{20'000, 0, 1, 64, 127, 128, 9'999, 55, 56, 19'968};
  for (std::size_t count = 1; count <= sizes.size(); ++count) {
    std::vector<GrowingSha256> growing(count);
    std::vector<GrowingSha256*> all;
    for (GrowingSha256& one : growing) {
      all.push_back(&one);
      one.restart(bytes.data());
    }
    // One of them begins anew on its way, one is not looked at until the end.
    for (std::size_t step = 0; step < 12; ++step) {
      if (step == 5) growing[0].restart(bytes.data());
      for (std::size_t i = 0; i < count; ++i) growing[i].grow(sizes[i] * (step + i % 3) / 20);
      GrowingSha256::advance(std::span(all).first(count == 1 ? 1 : count - 1));
    }
    for (std::size_t i = 0; i < count; ++i) {
      growing[i].grow(sizes[i]);
      EXPECT_EQ(growing[i].finish(), Sha256::of(std::string_view(bytes).substr(0, sizes[i]))) << sizes[i];
    }
  }
}

TEST(Sha256, ReadsBackItsForms) {
  const Sha256 digest = Sha256::of("abc");
  EXPECT_EQ(Sha256::from_hex(digest.hex()), digest);
  EXPECT_EQ(Sha256::from_base64url(digest.base64url()), digest);
  EXPECT_EQ(digest.base64url().size(), 43U);
  EXPECT_EQ(Sha256::from_base64url("abc"), std::nullopt);
  EXPECT_EQ(Sha256::from_hex("xyz"), std::nullopt);
}

TEST(Base64url, RefusesLeftOverBitsAndForeignCharacters) {
  EXPECT_EQ(base64url_decode("YQ"), "a");
  EXPECT_EQ(base64url_decode("YQ=="), "a");
  EXPECT_EQ(base64url_decode("YR"), std::nullopt);
  EXPECT_EQ(base64url_decode("Y"), std::nullopt);
  EXPECT_EQ(base64url_decode("a+b/"), std::nullopt);
}

TEST(Hash, IsReadWithItsAlgorithm) {
  const std::string hex(64, 'A');
  EXPECT_EQ(Hash::parse("sha256:" + hex).str(), "sha256:" + std::string(64, 'a'));
  EXPECT_THROW(Hash::parse("sha256:abcd"), Error);
  EXPECT_THROW(Hash::parse("crc32:" + hex), Error);
  EXPECT_FALSE(is_strong(HashAlgorithm::md5));
}

}  // namespace
}  // namespace axle
