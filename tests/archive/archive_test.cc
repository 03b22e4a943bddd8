#include "axle/archive/archive.h"

#include <gtest/gtest.h>

#include <random>

#include "archive/open_zip.h"
#include "support/zip_writer.h"

namespace axle::test {
namespace {

using Files = std::vector<std::pair<std::string, std::string>>;

// Text that deflates about as source code does.
std::string sample_text(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::string text;
  while (text.size() < size)
    text += "word" + std::to_string(random() % 5000) + (random() % 9 == 0 ? "\n" : " ");
  text.resize(size);
  return text;
}

TEST(Archive, ListsAndReadsMembers) {
  Zip zip = zip_of({{"pkg/", ""}, {"pkg/__init__.py", "x = 1\n"}, {"big", sample_text(100'000, 1)}});
  zip.items[1].central.attributes = 0100755U << 16;
  zip.items[1].local.date = zip.items[1].central.date = (2024 - 1980) << 9 | 2 << 5 | 29;
  zip.items[1].local.time = zip.items[1].central.time = 12 << 11 | 34 << 5 | 28;
  const std::string bytes = zip.bytes();
  const Archive archive = open_zip(bytes);
  ASSERT_EQ(archive.members().size(), 3U);
  EXPECT_EQ(archive.file_size(), bytes.size());
  EXPECT_EQ(archive.name(), "x.whl");

  const Member& directory = archive.members()[0];
  EXPECT_EQ(directory.name, "pkg");
  EXPECT_TRUE(directory.is_directory);
  const Member& file = archive.members()[1];
  EXPECT_EQ(file.name, "pkg/__init__.py");
  EXPECT_FALSE(file.is_directory);
  EXPECT_EQ(file.size, 6U);
  EXPECT_EQ(file.unix_mode, 0100755U);
  EXPECT_EQ(file.mtime, 1709210096);  // 2024-02-29 12:34:56 UTC
  EXPECT_EQ(file.crc32, crc32_of("x = 1\n"));
  EXPECT_EQ(file.method, ZipMethod::deflate);
  EXPECT_EQ(bytes.substr(file.data_offset, file.packed_size), deflated("x = 1\n"));

  EXPECT_EQ(archive.find("pkg/__init__.py"), &file);
  EXPECT_EQ(archive.find("pkg"), &directory);
  EXPECT_EQ(archive.find("absent"), nullptr);
  EXPECT_EQ(read_all(archive),
            (Files{{"pkg", ""}, {"pkg/__init__.py", "x = 1\n"}, {"big", sample_text(100'000, 1)}}));
}

TEST(Archive, ReadsDosTimesOfEveryKind) {
  const auto time_of = [](std::uint16_t date, std::uint16_t time) {
    Zip zip = zip_of({{"f", "x"}});
    zip.items[0].local.date = zip.items[0].central.date = date;
    zip.items[0].local.time = zip.items[0].central.time = time;
    return open_zip(zip.bytes()).members()[0].mtime;
  };
  const auto date = [](int year, int month, int day) {
    return static_cast<std::uint16_t>((year - 1980) << 9 | month << 5 | day);
  };
  EXPECT_EQ(time_of(date(1980, 1, 1), 0), 315532800);
  EXPECT_EQ(time_of(0, 0), 315532800);
  EXPECT_EQ(time_of(date(2000, 3, 1), 0), 951868800);
  EXPECT_EQ(time_of(date(2023, 2, 31), 0), 1677542400);  // clamped to the 28th
  EXPECT_EQ(time_of(date(2100, 3, 1), 0), 4107542400);
  EXPECT_EQ(time_of(date(2107, 12, 31), 0xffff), 4354819199);
}

TEST(Archive, ModeIsThatOfUnixOnly) {
  Zip zip = zip_of({{"f", "x"}});
  zip.items[0].central.made_by = 20;
  EXPECT_EQ(open_zip(zip.bytes()).members()[0].unix_mode, 0U);
}

TEST(Archive, StreamGivesWhatReadGives) {
  for (const std::size_t size : {0U, 1U, 1000U, 262'143U, 262'144U, 262'145U, 3'000'000U}) {
    for (const bool deflate : {false, true}) {
      Zip zip = zip_of({{"before", "b"}, {"f", sample_text(size, 7)}, {"after", "a"}});
      zip.items[1].deflate = deflate;
      const auto files = read_all(open_zip(zip.bytes()));
      EXPECT_EQ(files[1].second, sample_text(size, 7)) << size;
      EXPECT_EQ(files[2].second, "a");
    }
  }
}

TEST(Archive, StreamsWhatIsTooLargeToRead) {
  const std::string zeros(Archive::max_read_size + 1, '\0');
  const Archive archive = open_zip(zip_of({{"zeros", zeros}}).bytes());
  std::uint64_t size = 0;
  archive.stream(archive.members()[0], [&](std::string_view piece) { size += piece.size(); });
  EXPECT_EQ(size, zeros.size());
  ReadBuffer buffer;
  EXPECT_THROW(archive.read(archive.members()[0], buffer), Error);
}

TEST(Archive, StreamNeverGivesMoreThanDeclared) {
  Zip zip = zip_of({{"bomb", std::string(5'000'000, '\0')}});
  zip.items[0].local.size = zip.items[0].central.size = 300'000;
  const Archive archive = open_zip(zip.bytes());
  std::uint64_t size = 0;
  EXPECT_THROW(archive.stream(archive.members()[0], [&](std::string_view piece) { size += piece.size(); }),
               Error);
  EXPECT_LE(size, 300'000U);
}

TEST(Archive, AcceptsTheLargestRatioOfDeflate) {
  EXPECT_FALSE(refusal_of(zip_of({{"zeros", std::string(10'000'000, '\0')}}).bytes()));
}

TEST(Archive, ReadsDeflateThatPadsWithoutBound) {
  // Empty stored blocks: five bytes each that hold nothing.
  std::string packed;
  for (int i = 0; i < 200'000; ++i) packed += std::string("\0\0\0\xff\xff", 5);
  Zip zip = zip_of({{"f", "hello"}});
  zip.items[0].packed = packed + deflated("hello");
  EXPECT_EQ(read_all(open_zip(zip.bytes())), (Files{{"f", "hello"}}));
}

TEST(Archive, KeepsToItsLimits) {
  const std::string bytes = zip_of({{"a", std::string(100, 'a')}, {"b", std::string(100, 'b')}}).bytes();
  EXPECT_FALSE(refusal_of(bytes, {.max_entries = 2, .max_member_size = 100, .max_total_size = 200}));
  EXPECT_TRUE(refusal_of(bytes, {.max_entries = 1}));
  EXPECT_TRUE(refusal_of(bytes, {.max_directory_size = 50}));
  EXPECT_TRUE(refusal_of(bytes, {.max_member_size = 99}));
  EXPECT_TRUE(refusal_of(bytes, {.max_total_size = 199}));
}

TEST(Archive, ListsManyMembers) {
  // More than 16 bits count, and a directory larger than what is read of the end at first.
  Zip zip;
  zip.zip64.emplace();
  for (int i = 0; i < 70'000; ++i) {
    ZipItem item;
    item.name = "d" + std::to_string(i % 100) + "/f" + std::to_string(i);
    item.data = std::to_string(i);
    zip.items.push_back(std::move(item));
  }
  const Archive archive = open_zip(zip.bytes());
  ASSERT_EQ(archive.members().size(), 70'000U);
  ReadBuffer buffer;
  for (const std::size_t i : {0U, 1U, 35'000U, 69'999U}) {
    EXPECT_EQ(archive.read(archive.members()[i], buffer), std::to_string(i));
  }
}

TEST(Archive, AListingReadsWhatTheWholeDoes) {
  const std::string bytes =
      zip_of({{"pkg/", ""}, {"pkg/a.py", "a = 1\n"}, {"pkg/b.py", sample_text(50'000, 3)}}).bytes();
  const Archive whole = open_zip(bytes);
  const Archive listing = list_zip(bytes);
  ASSERT_EQ(listing.members().size(), whole.members().size());
  for (std::size_t i = 0; i < whole.members().size(); ++i) {
    EXPECT_EQ(listing.members()[i].name, whole.members()[i].name);
    EXPECT_EQ(listing.members()[i].size, whole.members()[i].size);
    EXPECT_EQ(listing.members()[i].crc32, whole.members()[i].crc32);
    EXPECT_EQ(listing.members()[i].data_offset, 0U);
  }
  EXPECT_EQ(read_all(listing), read_all(whole));
}

TEST(Archive, AListingComparesHeadersOfWhatIsReadOnly) {
  Zip zip = zip_of({{"a", "one"}, {"b", "two"}});
  zip.items[1].local.name = "c";
  const std::string bytes = zip.bytes();
  EXPECT_TRUE(refusal_of(bytes));
  const Archive listing = list_zip(bytes);
  ReadBuffer buffer;
  EXPECT_EQ(listing.read(listing.members()[0], buffer), "one");
  EXPECT_THROW(listing.read(listing.members()[1], buffer), Error);
}

TEST(Archive, AListingRefusesWhatTheDirectoryTells) {
  const auto refused = [](const auto& change) {
    Zip zip = zip_of({{"a", "one"}, {"b", "two"}});
    change(zip);
    const std::string bytes = zip.bytes();
    try {
      list_zip(bytes);
      return std::string("nothing");
    } catch (const Error& error) {
      return error.message();
    }
  };
  EXPECT_EQ(refused([](Zip&) {}), "nothing");
  EXPECT_NE(refused([](Zip& zip) { zip.items[1].central.name = "a"; }).find("is there twice"),
            std::string::npos);
  EXPECT_NE(refused([](Zip& zip) { zip.items[1].central.name = "a/b"; }).find("lies below it"),
            std::string::npos);
  EXPECT_NE(refused([](Zip& zip) { zip.items[1].central.name = "../b"; }).find("contains '..'"),
            std::string::npos);
  EXPECT_NE(refused([](Zip& zip) { zip.items[0].central.flags = 1; }).find("encrypted"), std::string::npos);
  EXPECT_NE(refused([](Zip& zip) { zip.items[0].central.packed_size = 60; }).find("overlaps"),
            std::string::npos);
}

TEST(Archive, DirectoryMayListInAnotherOrder) {
  // Two members of the same size, whose central headers are exchanged as a whole.
  std::string bytes = zip_of({{"a", "11"}, {"b", "22"}}).bytes();
  const std::size_t first = bytes.find("PK\1\2");
  const std::string header = bytes.substr(first, 47);
  bytes.replace(first, 47, bytes.substr(first + 47, 47));
  bytes.replace(first + 47, 47, header);
  EXPECT_EQ(read_all(open_zip(bytes)), (Files{{"b", "22"}, {"a", "11"}}));
}

TEST(Archive, EveryTruncationIsRefused) {
  Zip zip = zip_of({{"a/b.py", "x = 1\n"}, {"c", "text"}});
  zip.zip64.emplace();
  zip.items[1].descriptor.emplace();
  zip.comment = "comment";
  const std::string bytes = zip.bytes();
  ASSERT_FALSE(refusal_of(bytes));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto error = refusal_of(bytes.substr(0, size));
    ASSERT_TRUE(error) << size;
    EXPECT_EQ(error->code(), ErrorCode::bad_input) << error->what();
  }
}

TEST(Archive, NoChangedByteChangesWhatIsRead) {
  Zip zip = zip_of({{"a/b.py", "x = 1\nx = 1\n"}, {"c", "text"}});
  zip.zip64.emplace();
  zip.items[1].descriptor.emplace();
  const std::string bytes = zip.bytes();
  const Files files = read_all(open_zip(bytes));
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (const int flip : {0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff}) {
      std::string changed = bytes;
      changed[at] = static_cast<char>(changed[at] ^ flip);
      try {
        // Times, attributes and the like may differ; names and contents may not.
        EXPECT_EQ(read_all(open_zip(changed)), files) << at << " " << flip;
      } catch (const Error& error) {
        EXPECT_TRUE(error.code() == ErrorCode::bad_input || error.code() == ErrorCode::unsupported)
            << error.what();
      }
    }
  }
}

TEST(Archive, RefusesWhatIsNoFile) {
  try {
    Archive::open(AT_FDCWD, "/");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::io);
  }
  EXPECT_THROW(Archive::open(AT_FDCWD, "/nonexistent/x.whl"), Error);
  EXPECT_EQ(refusal_of("")->code(), ErrorCode::bad_input);
  EXPECT_EQ(refusal_of("PK\5\6")->code(), ErrorCode::bad_input);
  EXPECT_EQ(refusal_of(std::string(100'000, 'x'))->code(), ErrorCode::bad_input);
}

}  // namespace
}  // namespace axle::test
