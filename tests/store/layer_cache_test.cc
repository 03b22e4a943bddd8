#include "store/layer_cache.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/file.h"
#include "support/wheel_writer.h"

namespace axle::test {
namespace {

class LayerCacheTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "axle-layers-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    dir_ = name;
    store_.emplace(Store::open((dir_ / "store").string()));
  }
  void TearDown() override {
    store_.reset();
    std::filesystem::remove_all(dir_);
  }

  std::filesystem::path file(const std::string& kind, const Sha256& key) const {
    return dir_ / "store/v1/layers" / kind / key.hex();
  }
  static void keep(LayerCache& cache, const Sha256& key, std::string packed, std::uint64_t raw_size) {
    const std::string before = packed;
    LayerCache::seal_chunk(key, packed, raw_size);
    const auto staged = cache.stage_chunk(key, packed, Sha256::of(packed));
    ASSERT_TRUE(staged);
    EXPECT_EQ(packed, before);
    cache.publish(*staged);
  }

  std::filesystem::path dir_;
  std::optional<Store> store_;
  const Sha256 key_ = Sha256::of("a");
  const Sha256 other_ = Sha256::of("b");
};

TEST_F(LayerCacheTest, GivesBackWhatItWasGiven) {
  LayerCache cache(*store_, "test");
  std::string got = "before";
  EXPECT_FALSE(cache.has_chunk(key_));
  EXPECT_FALSE(cache.read_chunk(key_, got));
  for (const std::string& bytes : {std::string("bytes"), std::string(), std::string(1'000'000, '\0')}) {
    keep(cache, key_, bytes, 77);
    EXPECT_TRUE(cache.has_chunk(key_));
    got = "before";
    EXPECT_EQ(cache.read_chunk(key_, got), 77U);
    EXPECT_EQ(got, "before" + bytes);
  }
  EXPECT_FALSE(cache.has_chunk(other_));
}

TEST_F(LayerCacheTest, WhatIsStagedIsFoundByNobody) {
  {
    LayerCache cache(*store_, "test");
    std::string bytes = "bytes";
    LayerCache::seal_chunk(key_, bytes, 5);
    ASSERT_TRUE(cache.stage_chunk(key_, bytes, Sha256::of(bytes)));
    EXPECT_FALSE(cache.has_chunk(key_));
    EXPECT_TRUE(list_layer_files(*store_).empty());
  }
  EXPECT_TRUE(std::filesystem::is_empty(dir_ / "store/v1/tmp"));
}

TEST_F(LayerCacheTest, NoByteMayBeAnother) {
  LayerCache cache(*store_, "test");
  keep(cache, key_, "some bytes", 10);
  const std::string good = read_file(AT_FDCWD, file("chunks", key_));
  const auto gives_nothing = [&](const std::string& bytes) {
    std::ofstream(file("chunks", key_), std::ios::binary) << bytes;
    std::string got = "x";
    const bool nothing = !cache.read_chunk(key_, got) && got == "x";
    return nothing && verify_layer_file(*store_, {LayerFile::Kind::chunk, key_, 0, 0}).size() == 1;
  };
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 4);
    EXPECT_TRUE(gives_nothing(bad)) << i;
    EXPECT_TRUE(gives_nothing(good.substr(0, i))) << i;
  }
  EXPECT_TRUE(gives_nothing(good + good));
  // Another's bytes under this name.
  keep(cache, other_, "other bytes", 11);
  EXPECT_TRUE(gives_nothing(read_file(AT_FDCWD, file("chunks", other_))));
  EXPECT_FALSE(gives_nothing(good));
}

TEST_F(LayerCacheTest, RecordsAreReadAsTheyWereWritten) {
  LayerCache cache(*store_, "test");
  LayerRecord record;
  record.size = 1'000'000'000'000;
  record.tar_size = 5;
  record.chunks = {key_, other_};
  record.archives = {other_};
  for (int flags = 0; flags < 4; ++flags) {
    record.digest = (flags & 1) != 0 ? std::optional(Sha256::of("digest")) : std::nullopt;
    record.diff_id = (flags & 2) != 0 ? std::optional(Sha256::of("diff")) : std::nullopt;
    cache.keep_record(key_, record);
    const auto got = cache.find_record(key_);
    ASSERT_TRUE(got);
    EXPECT_EQ(got->digest, record.digest);
    EXPECT_EQ(got->diff_id, record.diff_id);
    EXPECT_EQ(got->size, record.size);
    EXPECT_EQ(got->tar_size, record.tar_size);
    EXPECT_EQ(got->chunks, record.chunks);
    EXPECT_EQ(got->archives, record.archives);
  }
  std::filesystem::rename(file("records", key_), file("records", other_));
  EXPECT_FALSE(cache.find_record(other_)) << "another's record";
}

TEST_F(LayerCacheTest, FactsAreFoundByPinnedHashOnly) {
  Diagnostics notes;
  WheelWriter writer("demo");
  writer.file("demo.py", "x = 1\n");
  const WheelSource source{writer.write_to(dir_.string()), writer.file_name(), {}, std::nullopt};
  const WheelFacts facts = store_->ensure(std::vector{source}, {}, notes).front();
  LayerCache cache(*store_, "test");
  cache.keep_facts(facts);
  WheelSource pinned = source;
  EXPECT_FALSE(cache.find_facts(pinned));
  const Hash right{HashAlgorithm::sha256, facts.wheel_sha256().hex()};
  pinned.hashes = {right};
  ASSERT_TRUE(cache.find_facts(pinned));
  EXPECT_EQ(cache.find_facts(pinned)->bytes(), facts.bytes());
  // With several hashes, the file's name must be the same.
  pinned.hashes = {{HashAlgorithm::sha256, key_.hex()}, right};
  EXPECT_TRUE(cache.find_facts(pinned));
  pinned.file_name = "demo-1.0-py2-none-any.whl";
  EXPECT_FALSE(cache.find_facts(pinned));
  pinned.hashes = {{HashAlgorithm::sha256, key_.hex()}};
  std::filesystem::copy(file("facts", facts.wheel_sha256()), file("facts", key_));
  EXPECT_FALSE(cache.find_facts(pinned)) << "another wheel's";
}

TEST_F(LayerCacheTest, UnusedIsWhatNoRecordOfKeptWheelsNames) {
  LayerCache cache(*store_, "test");
  const Sha256 mine = Sha256::of("my wheel"), theirs = Sha256::of("their wheel");
  for (const char* text : {"1", "2", "3"}) keep(cache, Sha256::of(text), "bytes", 5);
  LayerRecord record;
  record.chunks = {Sha256::of("1")};
  record.archives = {mine};
  cache.keep_record(key_, record);
  record.chunks = {Sha256::of("1"), Sha256::of("2")};
  record.archives = {mine, theirs};
  cache.keep_record(other_, record);
  const auto unused = [&](const std::vector<Sha256>& wheels, std::int64_t age) {
    std::size_t chunks = 0, records = 0;
    for (const LayerFile& one : find_unused_layer_files(*store_, wheels, age)) {
      (one.kind == LayerFile::Kind::chunk ? chunks : records) += 1;
    }
    return std::pair{chunks, records};
  };
  EXPECT_EQ(unused({}, 0), std::pair(std::size_t{3}, std::size_t{2}));
  EXPECT_EQ(unused({mine}, 0), std::pair(std::size_t{2}, std::size_t{1}));
  EXPECT_EQ(unused({std::min(mine, theirs), std::max(mine, theirs)}, 0),
            std::pair(std::size_t{1}, std::size_t{0}));
  EXPECT_EQ(unused({}, 3'600'000'000'000), std::pair(std::size_t{0}, std::size_t{0}));
}

TEST_F(LayerCacheTest, AFailureIsToldOnceAndStopsKeeping) {
  std::filesystem::create_directories(dir_ / "store/v1/layers");
  std::ofstream(dir_ / "store/v1/layers/chunks") << "no directory";
  LayerCache cache(*store_, "test");
  std::string bytes = "bytes";
  for (const Sha256& key : {key_, other_}) {
    LayerCache::seal_chunk(key, bytes, 5);
    EXPECT_FALSE(cache.stage_chunk(key, bytes, Sha256::of(bytes)));
  }
  EXPECT_EQ(bytes, "bytes");
  ASSERT_EQ(cache.notes().size(), 1U);
  EXPECT_EQ(cache.notes()[0].severity, Severity::warning);
}

}  // namespace
}  // namespace axle::test
