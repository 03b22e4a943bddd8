#include "exec/marshal.h"

#include <gtest/gtest.h>

#include <random>

namespace axle {
namespace {

constexpr PythonMinor python{3, 11};

std::string bytes(std::initializer_list<int> values) {
  std::string text;
  for (const int value : values) text += static_cast<char>(value);
  return text;
}

std::string normal(const std::string& text) {
  return normalize_marshal(text, python).value_or("not understood");
}

constexpr int ref = 0x80;

// ("name", "name"): announced and referred to, or twice, or announced for nobody.
TEST(Marshal, EqualValuesAreWrittenOnce) {
  const std::string shared = bytes({')', 2, 'Z' | ref, 4, 'n', 'a', 'm', 'e', 'r', 0, 0, 0, 0});
  const std::string twice =
      bytes({')' | ref, 2, 'z' | ref, 4, 'n', 'a', 'm', 'e', 'Z', 4, 'n', 'a', 'm', 'e'});
  const std::string later = bytes({')' | ref, 2, 'Z' | ref, 4, 'n', 'a', 'm', 'e', 'r', 1, 0, 0, 0});
  EXPECT_EQ(normal(shared), shared);
  EXPECT_EQ(normal(twice), shared);
  EXPECT_EQ(normal(later), shared);
}

TEST(Marshal, NothingIsAnnouncedForNobody) {
  EXPECT_EQ(normal(bytes({')' | ref, 1, 'i' | ref, 1, 0, 0, 0})), bytes({')', 1, 'i', 1, 0, 0, 0}));
  EXPECT_EQ(normal(bytes({'N'})), bytes({'N'}));
}

TEST(Marshal, LongFormsBecomeShort) {
  EXPECT_EQ(normal(bytes({'(', 1, 0, 0, 0, 'a', 2, 0, 0, 0, 'n', '-'})), bytes({')', 1, 'z', 2, 'n', '-'}));
  EXPECT_EQ(normal(bytes({'u', 2, 0, 0, 0, 0xc3, 0xa4})), bytes({'u', 2, 0, 0, 0, 0xc3, 0xa4}));
}

TEST(Marshal, SetsAreSorted) {
  const std::string one = bytes({'>', 3, 0, 0, 0, 'N', 'z', 2, 'b', '-', 'z', 2, 'a', '-'});
  const std::string other = bytes({'>', 3, 0, 0, 0, 'z', 2, 'a', '-', 'N', 'z', 2, 'b', '-'});
  EXPECT_EQ(normal(one), normal(other));
  EXPECT_EQ(normal(one).size(), one.size());
}

TEST(Marshal, SingleCharactersCountAsInterned) {
  EXPECT_EQ(normal(bytes({'z', 1, '-'})), normal(bytes({'Z', 1, '-'})));
  EXPECT_NE(normal(bytes({'z', 2, '-', '-'})), normal(bytes({'Z', 2, '-', '-'})));
}

TEST(Marshal, WhatIsNotUnderstoodIsSaid) {
  for (const std::string& text :
       {bytes({}), bytes({'?'}), bytes({'N', 'N'}), bytes({')', 2, 'N'}), bytes({'r', 0, 0, 0, 0}),
        bytes({')' | ref, 1, 'r', 0, 0, 0, 0}), bytes({'(', 255, 255, 255, 255}),
        bytes({'s', 9, 0, 0, 0, 'x'}), bytes({'l', 0, 0, 0, 0x80}), bytes({'l', 255, 255, 255, 0x7f}),
        bytes({'c'}), bytes({'{', '0'}), bytes({'[', 0, 0, 0, 0})}) {
    EXPECT_FALSE(normalize_marshal(text, python).has_value()) << ::testing::PrintToString(text);
  }
  EXPECT_FALSE(normalize_marshal("N", {3, 6}).has_value());
  EXPECT_FALSE(normalize_marshal("N", {}).has_value());
}

TEST(Marshal, DepthIsBounded) {
  std::string deep;
  for (int i = 0; i < 100000; ++i) deep += bytes({')', 1});
  EXPECT_FALSE(normalize_marshal(deep + "N", python).has_value());
}

TEST(Marshal, NormalFormIsItsOwnNormalForm) {
  std::mt19937 random(1);
  std::uniform_int_distribution<std::size_t> pick(0, 1000000);
  const std::string codes = "NTFizZurs)>c\x01\x02\x03-";
  int understood = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string text = bytes({')', 3});
    const std::size_t size = pick(random) % 40;
    for (std::size_t i = 0; i < size; ++i) {
      text += static_cast<char>(codes[pick(random) % codes.size()] | (pick(random) % 3 == 0 ? ref : 0));
      if (pick(random) % 2 == 0) text += bytes({static_cast<int>(pick(random) % 3), 0, 0, 0});
    }
    const auto once = normalize_marshal(text, python);
    if (!once) continue;
    ++understood;
    EXPECT_EQ(normalize_marshal(*once, python), once);
    EXPECT_LE(once->size(), text.size() * 2);
  }
  EXPECT_GT(understood, 0);
}

}  // namespace
}  // namespace axle
