#include "axle/archive/matches.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "archive/open_zip.h"
#include "support/zip_writer.h"

namespace axle {
namespace {

using test::expand;
using test::open_zip;
using test::read_by_matches;
using test::zip_of;

std::string noise(std::size_t size) {
  std::mt19937 random(3);
  std::string bytes(size, '\0');
  for (char& c : bytes) c = static_cast<char>(random());
  return bytes;
}

// Literals, short and long matches, runs, and bytes that deflate stores.
std::string mixture() {
  std::string bytes;
  for (int i = 0; i < 3000; ++i)
    bytes += "value_" + std::to_string(i * i % 977) + " = " + std::to_string(i) + "\n";
  bytes +=
      std::string(70'000, '\0') + noise(100'000) + bytes + noise(100'000).substr(0, 31'000) + "ababababab";
  return bytes;
}

TEST(Matches, GiveTheBytesInStepsOfAnySize) {
  const std::string wanted = mixture();
  const Archive archive = open_zip(zip_of({{"a", wanted}}).bytes());
  const Member& member = archive.members()[0];
  for (const std::size_t step : {std::size_t{1}, std::size_t{2}, std::size_t{257}, std::size_t{4096},
                                 std::size_t{131072}, wanted.size()}) {
    EXPECT_EQ(read_by_matches(archive, member, step), wanted) << step;
  }
}

TEST(Matches, AreMostOfWhatRepeats) {
  std::string wanted;
  for (int i = 0; i < 10'000; ++i) wanted += "the same line\n";
  const Archive archive = open_zip(zip_of({{"a", wanted}}).bytes());
  MatchReader reader;
  MatchList list;
  std::string plain(wanted.size(), '\0');
  reader.begin(archive, archive.members()[0]);
  reader.read({plain.data(), plain.size(), 0, 0}, list);
  reader.finish();
  std::size_t literals = list.literals();
  for (const Match& match : list.matches()) literals += match.literals;
  EXPECT_EQ(plain, wanted);
  EXPECT_LT(literals, 100U);
}

// A list may begin later than the member: what lies before becomes literals.
TEST(Matches, ReachNoFartherThanAsked) {
  const std::string wanted = mixture();
  const Archive archive = open_zip(zip_of({{"a", wanted}}).bytes());
  MatchReader reader;
  std::string plain(wanted.size(), '\0');
  reader.begin(archive, archive.members()[0]);
  constexpr std::size_t step = 50'000;
  for (std::size_t at = 0; at < plain.size(); at += step) {
    MatchList list;
    const std::size_t count = std::min(step, plain.size() - at);
    reader.read({plain.data() + at, count, at, 0}, list);
    EXPECT_EQ(expand(list, plain.substr(at, count)), wanted.substr(at, count)) << at;
  }
  reader.finish();
}

TEST(Matches, ReadManyMembersWithOneReader) {
  std::vector<std::pair<std::string, std::string>> files;
  for (int i = 0; i < 300; ++i)
    files.emplace_back("f" + std::to_string(i),
                       std::string(static_cast<std::size_t>(i), 'x') + std::to_string(i));
  const Archive archive = open_zip(zip_of(files).bytes());
  MatchReader reader;
  for (std::size_t i = 0; i < files.size(); ++i) {
    const Member& member = archive.members()[i];
    MatchList list;
    std::string plain(member.size, '\0');
    reader.begin(archive, member);
    reader.read({plain.data(), plain.size(), 0, 0}, list);
    reader.finish();
    EXPECT_EQ(plain, files[i].second);
  }
}

TEST(Matches, RefuseWhatIsUnlikeItsDeclaration) {
  const std::string wanted = mixture();
  for (const int more : {-1, 1}) {
    test::Zip zip = zip_of({{"a", wanted}});
    const auto size = static_cast<std::uint32_t>(static_cast<int>(wanted.size()) + more);
    zip.items[0].local.size = zip.items[0].central.size = size;
    const Archive archive = open_zip(zip.bytes());
    EXPECT_THROW(read_by_matches(archive, archive.members()[0], 1000), Error) << more;
  }
}

}  // namespace
}  // namespace axle
