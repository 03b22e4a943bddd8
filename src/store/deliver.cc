#include "axle/store/deliver.h"

#include <fcntl.h>

#include <algorithm>
#include <optional>

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

}  // namespace

std::vector<WheelFacts> deliver(Store& store, std::span<const Delivery> deliveries, Fetcher& fetcher,
                                const StoreOptions& options, Diagnostics& notes,
                                const DeliverProgress& progress) {
  remove_abandoned(store.root());
  std::vector<std::size_t> here;
  std::vector<std::size_t> remote;
  std::optional<ScratchDirectory> directory;  // outlives what reads in it
  for (std::size_t i = 0; i < deliveries.size(); ++i) {
    (must_download(store, deliveries[i]) ? remote : here).push_back(i);
  }
  // This thread has other work while it downloads.
  Intake intake(store, deliveries.size(), options, progress.unpacked,
                remote.empty() ? options.jobs - 1 : options.jobs);
  for (const std::size_t i : here) intake.add(i, deliveries[i].source);
  if (remote.empty()) return intake.finish(notes);
  // The largest first: what takes longest to come and to unpack should not be the last.
  std::stable_sort(remote.begin(), remote.end(), [&](std::size_t a, std::size_t b) {
    return deliveries[a].source.size.value_or(0) > deliveries[b].source.size.value_or(0);
  });

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
  fetcher.fetch_all(
      requests,
      [&](std::size_t k, const DownloadResult& result) {
        intake.check();
        WheelSource source = deliveries[remote[k]].source;
        source.path = result.bytes ? source.file_name : requests[k].destination;
        source.size = result.size;
        if (!source.hashes.empty()) source.hashes = {{HashAlgorithm::sha256, result.sha256.hex()}};
        intake.add_received(remote[k], source, result);
      },
      progress.received);
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
  fetcher.fetch_all(
      requests,
      [&](std::size_t k, const DownloadResult& result) {
        WheelSource& source = sources[remote[k]];
        source.path = store.keep_archive(requests[k].destination, result.sha256);
        if (!source.hashes.empty()) source.hashes = {{HashAlgorithm::sha256, result.sha256.hex()}};
      },
      progress.received);
  return sources;
}

}  // namespace axle
