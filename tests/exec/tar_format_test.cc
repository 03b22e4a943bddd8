#include "exec/tar_format.h"

#include <gtest/gtest.h>

#include <numeric>
#include <utility>

namespace axle {
namespace {

std::string header(const TarMember& member) {
  std::string out;
  append_tar_header(out, member);
  return out;
}

TarMember named(std::string path, TarKind kind = TarKind::file) {
  TarMember member;
  member.path = std::move(path);
  member.kind = kind;
  return member;
}

TEST(TarFormat, FillsTheFieldsOfUstar) {
  const std::string bytes = header({"opt/venv/a.py", TarKind::file, 0755, 1234, "", 1'700'000'000, 1000, 20});
  ASSERT_EQ(bytes.size(), tar_block);
  EXPECT_EQ(bytes.substr(0, 14), std::string("opt/venv/a.py\0", 14));
  EXPECT_EQ(bytes.substr(100, 8), std::string("0000755\0", 8));
  EXPECT_EQ(bytes.substr(108, 8), std::string("0001750\0", 8));
  EXPECT_EQ(bytes.substr(116, 8), std::string("0000024\0", 8));
  EXPECT_EQ(bytes.substr(124, 12), std::string("00000002322\0", 12));
  EXPECT_EQ(bytes.substr(136, 12), std::string("14524770400\0", 12));
  EXPECT_EQ(bytes[156], '0');
  EXPECT_EQ(bytes.substr(257, 8), std::string("ustar\0"
                                              "00",
                                              8));
  // The sum is over the header with spaces in its own place.
  std::string blank = bytes;
  blank.replace(148, 8, "        ");
  const unsigned sum = std::accumulate(blank.begin(), blank.end(), 0U, [](unsigned total, char c) {
    return total + static_cast<unsigned char>(c);
  });
  EXPECT_EQ(std::stoul(bytes.substr(148, 6), nullptr, 8), sum);
}

TEST(TarFormat, SplitsLongPathsAndTakesPaxOnlyForWhatUstarCannotSay) {
  const std::string directory(100, 'd');
  const std::string split = header(named(directory + "/" + std::string(99, 'n')));
  ASSERT_EQ(split.size(), tar_block);
  EXPECT_EQ(split.substr(0, 99), std::string(99, 'n'));
  EXPECT_EQ(split.substr(345, 100), directory);

  const std::string too_long = header(named(directory + "/" + std::string(101, 'n')));
  ASSERT_EQ(too_long.size(), 3 * tar_block);
  EXPECT_EQ(too_long[156], 'x');
  EXPECT_EQ(too_long.substr(tar_block, 9), "212 path=");
  EXPECT_EQ(too_long.find("path=" + directory + "/" + std::string(101, 'n') + "\n"), tar_block + 4);
}

TEST(TarFormat, WritesPaxForForeignNamesLongTargetsAndLargeNumbers) {
  EXPECT_NE(header(named("na\u00efve")).find("15 path=na\u00efve\n"), std::string::npos);
  TarMember link = named("l", TarKind::symlink);
  link.link = std::string(101, 't');
  EXPECT_NE(header(link).find("115 linkpath=" + link.link + "\n"), std::string::npos);
  TarMember large = named("big", TarKind::file);
  large.size = std::uint64_t{1} << 33;
  EXPECT_NE(header(large).find("19 size=8589934592\n"), std::string::npos);
  large.size = (std::uint64_t{1} << 33) - 1;
  EXPECT_EQ(header(large).size(), tar_block);
  TarMember owned = named("o", TarKind::file);
  owned.uid = 4'000'000;
  EXPECT_NE(header(owned).find("15 uid=4000000\n"), std::string::npos);
}

TEST(TarFormat, PadsToBlocks) {
  for (const std::uint64_t size : {0U, 1U, 511U, 512U, 513U}) {
    std::string out;
    append_tar_padding(out, size);
    EXPECT_EQ((size + out.size()) % tar_block, 0U);
    EXPECT_LT(out.size(), tar_block);
  }
}

}  // namespace
}  // namespace axle
