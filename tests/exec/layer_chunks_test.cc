#include "exec/layer_chunks.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <utility>

namespace axle {
namespace {

constexpr std::uint64_t kib = 1024;

// A distribution is a directory of files of these sizes.
struct Dist {
  std::string name;
  std::vector<std::uint64_t> sizes;
};

std::vector<FlatEntry> entries_of(const std::vector<Dist>& dists) {
  std::vector<FlatEntry> entries(1);
  entries[0].kind = FlatKind::directory;
  for (std::uint32_t i = 0; i < dists.size(); ++i) {
    FlatEntry dir;
    dir.path = dists[i].name;
    dir.kind = FlatKind::directory;
    dir.owner = dir.entry.emplace(i);
    entries.push_back(dir);
    for (std::size_t k = 0; k < dists[i].sizes.size(); ++k) {
      FlatEntry file = dir;
      file.path += "/" + std::to_string(1000 + k);
      file.kind = FlatKind::file;
      file.content = StoreFile{i, static_cast<std::uint32_t>(k)};
      file.written =
          WrittenFile{Sha256::of(file.path + std::to_string(dists[i].sizes[k])), dists[i].sizes[k]};
      entries.push_back(file);
    }
  }
  return entries;
}

std::vector<LayerChunk> cut(const std::vector<FlatEntry>& entries) {
  return cut_layer(entries, [](const FlatEntry&) { return true; });
}

// What a chunk holds, as a text.
std::set<std::string> contents(const std::vector<FlatEntry>& entries) {
  std::set<std::string> all;
  for (const LayerChunk& chunk : cut(entries)) {
    std::string text;
    for (std::size_t i = chunk.first; i < chunk.last; ++i) {
      text += entries[i].path + " " + (entries[i].written ? entries[i].written->sha256.hex() : "") + "\n";
    }
    all.insert(text + std::to_string(chunk.offset));
  }
  return all;
}

std::vector<Dist> some_dists(std::size_t count) {
  std::mt19937 random(7);
  std::vector<Dist> dists;
  for (std::size_t i = 0; i < count; ++i) {
    Dist dist{"dist" + std::to_string(100 + i), {}};
    for (auto files = 1 + random() % 30; files > 0; --files) dist.sizes.push_back(random() % (40 * kib));
    dists.push_back(dist);
  }
  return dists;
}

TEST(LayerChunks, HoldEveryEntryOnceAndInOrder) {
  std::vector<Dist> dists = some_dists(60);
  dists[20].sizes = {3 * layer_piece + 1, 5, layer_piece, layer_piece + 1};
  dists[59].sizes.push_back(layer_piece + 1);
  const std::vector<FlatEntry> entries = entries_of(dists);
  std::size_t next = 0, large = 0;
  std::uint64_t offset = 0;
  for (const LayerChunk& chunk : cut(entries)) {
    ASSERT_EQ(chunk.first, next);
    ASSERT_LT(chunk.first, chunk.last);
    if (!chunk.large) {
      next = chunk.last;
      continue;
    }
    EXPECT_EQ(chunk.large, large);
    EXPECT_EQ(chunk.offset, offset);
    EXPECT_EQ(chunk.last, chunk.first + 1);
    offset += layer_piece;
    if (offset < entries[chunk.first].written.value().size) continue;
    offset = 0;
    ++large;
    next = chunk.last;
  }
  EXPECT_EQ(next, entries.size());
  EXPECT_EQ(large, 3U);
}

TEST(LayerChunks, AreNeitherManyNorLarge) {
  const std::vector<FlatEntry> entries = entries_of(some_dists(200));
  const std::vector<LayerChunk> chunks = cut(entries);
  std::uint64_t total = 0;
  for (const LayerChunk& chunk : chunks) {
    std::uint64_t bytes = 0;
    for (std::size_t i = chunk.first; i < chunk.last; ++i) {
      bytes += tar_block + (entries[i].written ? entries[i].written->size : 0);
    }
    total += bytes;
    EXPECT_LE(bytes, (2U << 20) + layer_piece);
    EXPECT_LE(chunk.last - chunk.first, 1024U);
  }
  EXPECT_LE(chunks.size(), total / (256 * kib) + 1);
}

TEST(LayerChunks, OfOneDistributionEndWithIt) {
  // Each is large enough: no chunk holds files of two.
  std::vector<Dist> dists;
  for (int i = 0; i < 9; ++i)
    dists.push_back({"d" + std::to_string(i), std::vector<std::uint64_t>(4, 70 * kib)});
  const std::vector<FlatEntry> entries = entries_of(dists);
  EXPECT_EQ(cut(entries).size(), 9U);
}

TEST(LayerChunks, ChangeOnlyNearAChange) {
  const std::vector<Dist> dists = some_dists(120);
  const std::set<std::string> before = contents(entries_of(dists));
  for (const std::size_t changed : {0U, 17U, 60U, 119U}) {
    std::vector<std::vector<Dist>> others(3, dists);
    others[0][changed].sizes.push_back(30 * kib);
    others[1].erase(others[1].begin() + static_cast<std::ptrdiff_t>(changed));
    others[2].insert(others[2].begin() + static_cast<std::ptrdiff_t>(changed),
                     Dist{"dist" + std::to_string(99 + changed) + "x", {200 * kib, 90 * kib}});
    for (std::size_t way = 0; way < others.size(); ++way) {
      std::vector<FlatEntry> entries = entries_of(others[way]);
      std::size_t fresh = 0;
      for (const std::string& chunk : contents(entries)) fresh += before.contains(chunk) ? 0 : 1;
      // Of some 200; the cuts are where they were again after the next distribution of a size.
      EXPECT_LE(fresh, 6U) << "at " << changed << ", way " << way << " of " << before.size();
    }
  }
}

}  // namespace
}  // namespace axle
