#include "axle/store/deliver.h"

#include <fcntl.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "axle/base/error.h"
#include "base/fd.h"
#include "store/ensure.h"
#include "store/scratch.h"

namespace axle {
namespace {

// What is downloaded is kept in memory until it is unpacked, as far as it does not come to more than this;
// the rest goes through files. Writing it down, reading it and removing it cost a tenth of a command's time.
constexpr std::uint64_t max_in_memory = std::uint64_t{64} << 20;

bool must_download(const Store& store, const Delivery& delivery) {
  return delivery.source.path.empty() && !delivery.url.empty() && !store.find(delivery.source);
}

// The largest first: what takes longest to come and to unpack should not be the last. But before them some
// that are there soon, so that there is something to unpack while the largest come.
void sort_downloads(std::vector<std::size_t>& order, std::span<const Delivery> deliveries) {
  constexpr std::uint64_t soon = 512 << 10;
  constexpr std::uint64_t enough = 6 << 20;
  const auto size = [&](std::size_t i) { return deliveries[i].source.size.value_or(0); };
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return size(a) > size(b); });
  const auto begin = std::find_if(order.begin(), order.end(), [&](std::size_t i) { return size(i) <= soon; });
  auto end = begin;
  for (std::uint64_t sum = 0; end != order.end() && (sum += size(*end)) <= enough;) ++end;
  std::rotate(order.begin(), begin, end);
}

// What the store keeps as it was downloaded (for layers) need not come again; but what was damaged meanwhile
// must.
std::optional<WheelSource> find_kept(const Store& store, const WheelSource& source) {
  const auto path = store.find_archive(source);
  const auto file = path ? try_open_file(AT_FDCWD, *path) : std::nullopt;
  if (!file || hash_file(*file, *path).hex() != source.hashes[0].hex) return std::nullopt;
  WheelSource kept = source;
  kept.path = *path;
  return kept;
}

}  // namespace

std::vector<WheelFacts> deliver(Store& store, std::span<const Delivery> deliveries, Fetcher& fetcher,
                                const StoreOptions& options, Diagnostics& notes,
                                const DeliverProgress& progress) {
  remove_abandoned(store.root());
  std::vector<std::size_t> here;
  std::vector<std::pair<std::size_t, WheelSource>> kept;
  std::vector<std::size_t> remote;
  std::optional<ScratchDirectory> directory;  // outlives what reads in it
  for (std::size_t i = 0; i < deliveries.size(); ++i) {
    if (!must_download(store, deliveries[i])) {
      here.push_back(i);
    } else if (auto found = find_kept(store, deliveries[i].source)) {
      kept.emplace_back(i, *std::move(found));
    } else {
      remote.push_back(i);
    }
  }
  Intake intake(store, deliveries.size(), options, progress.unpacked, options.jobs - 1);
  for (const std::size_t i : here) intake.add(i, deliveries[i].source);
  for (const auto& [i, source] : kept) intake.add(i, source);
  if (remote.empty()) return intake.finish(notes);
  sort_downloads(remote, deliveries);

  directory.emplace(store.root(), "download");
  std::vector<DownloadRequest> requests;
  std::uint64_t memory = max_in_memory;
  for (const std::size_t i : remote) {
    const WheelSource& source = deliveries[i].source;
    std::string place;
    if (source.size && *source.size <= memory) {
      memory -= *source.size;
    } else {
      // Two indexes may have files of one name.
      place = store.path() + "/" + directory->path() + "/" + std::to_string(i);
    }
    requests.push_back({deliveries[i].url, deliveries[i].package, std::move(place), source.hashes,
                        source.size, deliveries[i].checksums});
  }
  if (progress.expected && memory < max_in_memory) progress.expected(max_in_memory - memory);
  const auto take = [&](std::size_t k, const DownloadResult& result) {
    intake.check();
    WheelSource source = deliveries[remote[k]].source;
    source.path = result.bytes ? source.file_name : requests[k].destination;
    source.size = result.size;
    if (!source.hashes.empty()) source.hashes = {{HashAlgorithm::sha256, result.sha256.hex()}};
    intake.add_received(remote[k], source, result);
  };
  fetcher.fetch_all(requests, {take, progress.received, [&] { return intake.appetite(); },
                               [&] { return intake.work_once(); }});
  fetcher.disconnect();  // while others unpack
  return intake.finish(notes);
}

std::vector<WheelSource> deliver_archives(Store& store, std::span<const Delivery> deliveries,
                                          Fetcher& fetcher, const DeliverProgress& progress) {
  std::vector<WheelSource> sources;
  std::vector<std::size_t> remote;
  for (std::size_t i = 0; i < deliveries.size(); ++i) {
    sources.push_back(deliveries[i].source);
    if (!sources[i].path.empty()) continue;
    if (const auto kept = store.find_archive(sources[i])) {
      sources[i].path = *kept;
    } else if (must_download(store, deliveries[i])) {
      remote.push_back(i);
    }
  }
  if (remote.empty()) return sources;

  remove_abandoned(store.root());
  const ScratchDirectory directory(store.root(), "download");
  std::vector<DownloadRequest> requests;
  for (const std::size_t i : remote) {
    requests.push_back({deliveries[i].url, deliveries[i].package,
                        store.path() + "/" + directory.path() + "/" + std::to_string(i), sources[i].hashes,
                        sources[i].size, deliveries[i].checksums});
  }
  const auto take = [&](std::size_t k, const DownloadResult& result) {
    WheelSource& source = sources[remote[k]];
    source.path = store.keep_archive(requests[k].destination, result.sha256);
    if (!source.hashes.empty()) source.hashes = {{HashAlgorithm::sha256, result.sha256.hex()}};
  };
  fetcher.fetch_all(requests, {take, progress.received});
  return sources;
}

}  // namespace axle
