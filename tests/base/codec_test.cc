#include "base/codec.h"

#include <gtest/gtest.h>

#include <limits>

#include "axle/base/error.h"

namespace axle {
namespace {

std::string sample() {
  Encoder encoder("TEST1");
  encoder.number(0);
  encoder.number(std::numeric_limits<std::uint64_t>::max());
  encoder.signed_number(-1);
  encoder.signed_number(std::numeric_limits<std::int64_t>::min());
  encoder.text("ünï");
  encoder.digest(Sha256::of("x"));
  return encoder.finish();
}

TEST(Codec, ReadsBackWhatItWrote) {
  const std::string bytes = sample();
  Decoder decoder(bytes, "TEST1", "file");
  EXPECT_EQ(decoder.number(), 0U);
  EXPECT_EQ(decoder.number(), std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(decoder.signed_number(), -1);
  EXPECT_EQ(decoder.signed_number(), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(decoder.text(), "ünï");
  EXPECT_EQ(decoder.digest(), Sha256::of("x"));
  EXPECT_TRUE(decoder.at_end());
  EXPECT_THROW(decoder.number(), Error);
}

TEST(Codec, RefusesDamage) {
  const std::string bytes = sample();
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    EXPECT_THROW(Decoder(damaged, "TEST1", "file"), Error) << i;
    EXPECT_THROW(Decoder(std::string_view(bytes).substr(0, i), "TEST1", "file"), Error) << i;
  }
}

}  // namespace
}  // namespace axle
