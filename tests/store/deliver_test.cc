#include "axle/store/deliver.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <utility>

#include "axle/base/error.h"
#include "base/file.h"
#include "store/ensure.h"
#include "support/wheel_writer.h"

namespace axle::test {
namespace {

// What is downloaded is hashed once, as it is written. Here: that nothing else comes into the store by that.
class DeliverTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "axle-deliver-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    dir_ = name;
    std::filesystem::create_directory(dir_ / "served");
    store_.emplace(Store::open((dir_ / "store").string()));
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  // A wheel at a file URL, pinned by its own hash.
  Delivery served(const std::string& name) const {
    WheelWriter wheel(name);
    wheel.file(name + "/__init__.py", "name = '" + name + "'\n")
        .file(name + "/data", std::string(100'000, 'x'));
    const std::string path = wheel.write_to((dir_ / "served").string());
    Delivery delivery;
    delivery.url = make_file_url(path);
    delivery.package = name;
    delivery.source.file_name = wheel.file_name();
    delivery.source.hashes = {{HashAlgorithm::sha256, Sha256::of(read_file(AT_FDCWD, path)).hex()}};
    return delivery;
  }

  // The same, of known size: it goes through memory.
  Delivery served_in_memory(const std::string& name) const {
    Delivery delivery = served(name);
    delivery.source.size = std::filesystem::file_size(*find_file_url_path(delivery.url));
    return delivery;
  }

  std::vector<WheelFacts> get(const std::vector<Delivery>& deliveries) {
    Fetcher fetcher;
    Diagnostics notes;
    return deliver(*store_, deliveries, fetcher, {VerifyLevel::record, 2}, notes);
  }

  template <class Body>
  static ErrorCode failure(const Body& body) {
    try {
      body();
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::usage;
  }

  void expect_nothing_left(std::size_t wheels) {
    EXPECT_EQ(store_->wheels().size(), wheels);
    EXPECT_TRUE(std::filesystem::is_empty(store_->path() + "/tmp"));
  }

  // Changes one byte in the packed data of the first member.
  static void damage(const std::string& path) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(60);
    const char byte = static_cast<char>(file.get());
    file.seekp(60);
    file.put(static_cast<char>(byte ^ 1));
  }

  std::filesystem::path dir_;
  std::optional<Store> store_;
};

TEST_F(DeliverTest, GivesFactsInTheOrderAskedForAndKeepsNoArchive) {
  std::vector<Delivery> deliveries;
  for (const char* name : {"one", "two", "three", "four"}) deliveries.push_back(served(name));
  deliveries.push_back(served_in_memory("five"));
  deliveries.push_back(served_in_memory("six"));
  // One of them is a local file.
  deliveries[2].source.path = *find_file_url_path(deliveries[2].url);
  const auto facts = get(deliveries);
  ASSERT_EQ(facts.size(), 6U);
  for (std::size_t i = 0; i < facts.size(); ++i) {
    EXPECT_EQ(facts[i].file_name(), deliveries[i].source.file_name);
    EXPECT_EQ(facts[i].wheel_sha256().hex(), deliveries[i].source.hashes[0].hex);
    EXPECT_TRUE(store_->verify(facts[i].store_id(), 1).empty());
  }
  expect_nothing_left(6);
  EXPECT_EQ(get(deliveries).size(), 6U) << "from the store alone";
}

TEST_F(DeliverTest, TakesWhatTheStoreKeepsForLayers) {
  Delivery delivery = served("kept");
  const std::string path = *find_file_url_path(delivery.url);
  const auto keep = [&] {
    std::filesystem::copy_file(path, dir_ / "copy");
    return store_->keep_archive((dir_ / "copy").string(), *Sha256::from_hex(delivery.source.hashes[0].hex));
  };
  const std::string kept = keep();
  const std::string url = std::exchange(delivery.url, make_file_url((dir_ / "absent").string()));
  const Sha256 wheel = get({delivery}).at(0).store_id();
  EXPECT_TRUE(store_->verify(wheel, 1).empty());
  EXPECT_TRUE(std::filesystem::exists(kept));

  store_->remove(wheel);
  damage(kept);
  EXPECT_EQ(failure([&] { get({delivery}); }), ErrorCode::io) << "it comes from the server, which has none";
  delivery.url = url;
  EXPECT_EQ(get({delivery}).at(0).store_id(), wheel);
  expect_nothing_left(1);
}

TEST_F(DeliverTest, RefusesWhatIsNotWhatWasLocked) {
  const Delivery good = served("good");
  for (const bool in_memory : {false, true}) {
    Delivery bad = in_memory ? served_in_memory("bad") : served("bad");
    damage(*find_file_url_path(bad.url));
    EXPECT_EQ(failure([&] { get({good, bad}); }), ErrorCode::integrity);
    EXPECT_LE(store_->wheels().size(), 1U);
    for (const StoredWheel& wheel : store_->wheels()) EXPECT_EQ(wheel.file_name, good.source.file_name);
    EXPECT_TRUE(std::filesystem::is_empty(store_->path() + "/tmp"));

    bad.source.hashes.clear();  // then what is inside must tell
    EXPECT_EQ(failure([&] { get({bad}); }), ErrorCode::bad_input);
    bad.source.hashes = {{HashAlgorithm::md5, std::string(32, '0')}};
    EXPECT_EQ(failure([&] { get({bad}); }), ErrorCode::integrity);
    EXPECT_LE(store_->wheels().size(), 1U);
  }
}

TEST_F(DeliverTest, RefusesWhatChangedAfterItCame) {
  const Delivery delivery = served("late");
  WheelSource source = delivery.source;
  const Sha256 sha256 = *Sha256::from_hex(source.hashes[0].hex);
  source.path = (dir_ / source.file_name).string();
  std::filesystem::copy_file(*find_file_url_path(delivery.url), source.path);
  damage(source.path);
  const StoreOptions options{VerifyLevel::record, 2};
  const Store::Progress progress;
  Intake intake(*store_, 1, options, progress, 1);
  intake.add_received(0, source, {sha256, std::filesystem::file_size(source.path), nullptr});
  Diagnostics notes;
  EXPECT_EQ(failure([&] { intake.finish(notes); }), ErrorCode::bad_input);
  EXPECT_FALSE(std::filesystem::exists(source.path));
  expect_nothing_left(0);
}

}  // namespace
}  // namespace axle::test
