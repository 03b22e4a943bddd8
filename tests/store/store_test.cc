#include "axle/store/store.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "axle/base/error.h"
#include "base/file.h"
#include "support/wheel_writer.h"

namespace axle::test {
namespace {

class StoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "axle-store-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    dir_ = name;
    std::filesystem::create_directory(dir_ / "wheels");
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  Store open() const { return Store::open((dir_ / "store").string()); }
  WheelSource source(const WheelWriter& wheel) const {
    return {wheel.write_to((dir_ / "wheels").string()), wheel.file_name(), {}, std::nullopt};
  }
  static WheelWriter demo() {
    WheelWriter wheel("demo");
    wheel.file("demo/__init__.py", "x = 1\n").file("demo/data.txt", std::string(100'000, 'x'));
    return wheel;
  }
  static WheelFacts one(Store& store, const WheelSource& source, VerifyLevel level = VerifyLevel::record) {
    Diagnostics notes;
    return store.ensure(std::vector{source}, {level, 2}, notes).front();
  }
  static ErrorCode failure(Store& store, const WheelSource& source, VerifyLevel level = VerifyLevel::record) {
    try {
      one(store, source, level);
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::usage;
  }

  std::filesystem::path dir_;
};

TEST_F(StoreTest, UnpacksOnceAndFindsByDigest) {
  Store store = open();
  const WheelSource wheel = source(demo());
  const WheelFacts facts = one(store, wheel);
  EXPECT_EQ(facts.normalized(), "demo");
  const std::string file =
      store.path() + "/" + Store::tree_path(facts.wheel_sha256()) + "/purelib/demo/__init__.py";
  EXPECT_EQ(read_file(AT_FDCWD, file), "x = 1\n");
  struct stat status {};
  ASSERT_EQ(stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0444U);
  ASSERT_TRUE(store.find(facts.wheel_sha256()).has_value());

  std::filesystem::remove(wheel.path);
  WheelSource by_hash = wheel;
  by_hash.path.clear();
  by_hash.hashes = {{HashAlgorithm::sha256, facts.wheel_sha256().hex()}};
  EXPECT_EQ(one(store, by_hash).wheel_sha256(), facts.wheel_sha256()) << "no archive is needed";
}

TEST_F(StoreTest, RefusesWhatIsNotWhatWasLocked) {
  Store store = open();
  WheelSource wheel = source(demo());
  wheel.hashes = {{HashAlgorithm::sha256, std::string(64, '0')}};
  EXPECT_EQ(failure(store, wheel), ErrorCode::integrity);
  wheel.hashes.clear();
  wheel.size = 5;
  EXPECT_EQ(failure(store, wheel), ErrorCode::integrity);
  EXPECT_TRUE(store.wheels().empty());
}

TEST_F(StoreTest, ReportsTheHashBeforeTheDamage) {
  Store store = open();
  WheelSource wheel = source(demo());
  std::ofstream(wheel.path, std::ios::app) << "trailing";
  EXPECT_EQ(failure(store, wheel), ErrorCode::bad_input);
  wheel.hashes = {{HashAlgorithm::sha256, std::string(64, '0')}};
  EXPECT_EQ(failure(store, wheel), ErrorCode::integrity);
}

TEST_F(StoreTest, JudgesRecordByTheLevelAndNeverForgets) {
  WheelWriter writer = demo();
  writer.record_row("demo/__init__.py",
                    "demo/__init__.py,sha256=" + Sha256::of("other").base64url() + ",6\n");
  Store store = open();
  WheelSource wheel = source(writer);
  EXPECT_EQ(failure(store, wheel), ErrorCode::integrity);
  EXPECT_NO_THROW(one(store, wheel, VerifyLevel::archive));
  EXPECT_EQ(failure(store, wheel), ErrorCode::integrity) << "that it was accepted once means nothing";

  const WheelFacts facts = one(store, wheel, VerifyLevel::none);
  wheel.hashes = {{HashAlgorithm::sha256, facts.wheel_sha256().hex()}};
  Diagnostics notes;
  EXPECT_NO_THROW(store.ensure(std::vector{wheel}, {VerifyLevel::record, 1}, notes));
  EXPECT_TRUE(
      std::any_of(notes.begin(), notes.end(), [](const auto& note) { return note.kind == "record-wrong"; }));
  EXPECT_EQ(failure(store, wheel, VerifyLevel::strict), ErrorCode::integrity);
}

TEST_F(StoreTest, NoticesAndRemovesDamage) {
  Store store = open();
  const WheelFacts facts = one(store, source(demo()));
  EXPECT_TRUE(store.verify(facts.wheel_sha256(), 2).empty());
  const std::string file =
      store.path() + "/" + Store::tree_path(facts.wheel_sha256()) + "/purelib/demo/__init__.py";
  std::filesystem::permissions(file, std::filesystem::perms::owner_write, std::filesystem::perm_options::add);
  std::ofstream(file) << "y = 2\n";
  EXPECT_EQ(store.verify(facts.wheel_sha256(), 2).size(), 1U);
  store.remove(facts.wheel_sha256());
  EXPECT_FALSE(store.find(facts.wheel_sha256()).has_value());
}

TEST_F(StoreTest, MakesFactsThatAreDamagedAnew) {
  Store store = open();
  const WheelSource wheel = source(demo());
  const WheelFacts facts = one(store, wheel);
  const std::string place = store.path() + "/wheels/" + facts.wheel_sha256().hex() + "/facts";
  std::filesystem::resize_file(place, 10);
  EXPECT_FALSE(store.find(facts.wheel_sha256()).has_value());
  EXPECT_EQ(one(store, wheel).wheel_sha256(), facts.wheel_sha256());
  EXPECT_TRUE(store.find(facts.wheel_sha256()).has_value());
}

// Such members are inflated, hashed and written in pieces, several of them side by side.
TEST_F(StoreTest, UnpacksManyVeryLargeFiles) {
  std::string text;
  for (std::size_t i = 0; text.size() < (8U << 20); ++i) text += std::to_string(i * i * 2654435761U);
  const std::vector<std::size_t> sizes{4'200'000, 8U << 20,  6'000'001, (4U << 20) + 1,
                                       5U << 20,  3'000'003, 70'000};
  for (const unsigned jobs : {1U, 2U, 48U}) {
    WheelWriter wheel("large" + std::to_string(jobs));
    for (const std::size_t size : sizes) {
      wheel.file("large/" + std::to_string(size), text.substr(jobs, size - jobs) + std::string(jobs, '!'));
    }
    Store store = open();
    Diagnostics notes;
    const WheelFacts facts =
        store.ensure(std::vector{source(wheel)}, {VerifyLevel::record, jobs}, notes).front();
    EXPECT_TRUE(facts.record_ok());
    for (const std::size_t size : sizes) {
      EXPECT_EQ(read_file(AT_FDCWD, store.path() + "/" + Store::tree_path(facts.wheel_sha256()) +
                                        "/purelib/large/" + std::to_string(size)),
                text.substr(jobs, size - jobs) + std::string(jobs, '!'));
    }
  }
}

TEST_F(StoreTest, ChecksTheEndOfVeryLargeFiles) {
  WheelWriter wheel("large");
  wheel.stored().file("large/a", std::string(5'000'001, 'a')).file("large/b", std::string(6'000'002, 'b'));
  const WheelSource right = source(wheel);
  for (const char letter : {'a', 'b'}) {
    WheelSource damaged = right;
    std::string bytes = wheel.bytes();
    bytes[bytes.rfind(std::string(100, letter)) + 99] = '!';
    std::ofstream(damaged.path, std::ios::binary) << bytes;
    Store store = open();
    EXPECT_EQ(failure(store, damaged, VerifyLevel::none), ErrorCode::bad_input) << "its CRC is wrong";
  }
}

TEST_F(StoreTest, ReportsTheFirstSourceThatFailsWhateverTheThreads) {
  Store store = open();
  std::vector<WheelSource> sources;
  for (int i = 0; i < 8; ++i) {
    WheelWriter wheel("demo" + std::to_string(i));
    wheel.file("demo" + std::to_string(i) + "/__init__.py", "x = 1\n");
    if (i == 2 || i == 5)
      wheel.root_is_purelib("true\nWheel-Version: 9.0").without(wheel.dist_info() + "/METADATA");
    sources.push_back(source(wheel));
  }
  for (int round = 0; round < 5; ++round) {
    Diagnostics notes;
    try {
      store.ensure(sources, {VerifyLevel::record, 4}, notes);
      FAIL();
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find("demo2"), std::string::npos) << error.what();
    }
  }
}

}  // namespace
}  // namespace axle::test
