#pragma once
// Wheels into the store from wherever they are: downloads run while what has arrived is verified and
// unpacked.

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "axle/base/diagnostic.h"
#include "axle/store/fetch.h"
#include "axle/store/store.h"

namespace axle {

struct Delivery {
  WheelSource source;                // with a path, or with a hash that the store knows, nothing is fetched
  std::string url;                   // where the archive is when it is neither
  std::string package;               // for messages: "numpy 2.1.0"
  std::vector<Hash> checksums = {};  // as in DownloadRequest; they pin nothing
};

struct DeliverProgress {
  Store::Progress unpacked;
  Fetcher::Progress received;  // index: of the downloads, in the order of the deliveries
  // Before the first download: so many bytes of them, in all, will go to memory.
  std::function<void(std::uint64_t bytes)> expected = {};
};

// The facts of all, in their order. Downloads go through the store's own directory and are gone afterwards.
// Throws as Fetcher and Store::ensure do.
std::vector<WheelFacts> deliver(Store& store, std::span<const Delivery> deliveries, Fetcher& fetcher,
                                const StoreOptions& options, Diagnostics& notes,
                                const DeliverProgress& progress = {});

// The same for whoever reads archives: nothing is unpacked, and what is downloaded stays in the store as it
// is, so that the next command finds it (Store::find_archive). A source without a path is unpacked in the
// store and its archive is not at hand.
std::vector<WheelSource> deliver_archives(Store& store, std::span<const Delivery> deliveries,
                                          Fetcher& fetcher, const DeliverProgress& progress = {});

}  // namespace axle
