#include "axle/store/deliver.h"

#include <fcntl.h>
#include <unistd.h>

#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>

#include "axle/base/error.h"
#include "base/fd.h"
#include "store/scratch.h"

namespace axle {
namespace {

// Unpacks what has arrived, in batches, while the caller's thread goes on downloading.
class Unpacker {
 public:
  Unpacker(Store& store, const StoreOptions& options, const Store::Progress& progress)
      : store_(store), options_(options), progress_(progress), thread_([this] { work(); }) {}

  ~Unpacker() { finish(); }

  void add(std::size_t index, WheelSource source) {
    const std::lock_guard lock(mutex_);
    waiting_.push_back({index, std::move(source)});
    changed_.notify_one();
  }

  // Throws at once when a wheel that arrived was refused, so that the others need not be fetched.
  void check() {
    const std::lock_guard lock(mutex_);
    if (failure_) std::rethrow_exception(failure_);
  }

  void finish() {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
      changed_.notify_one();
    }
    if (thread_.joinable()) thread_.join();
  }

  struct Item {
    std::size_t index;
    WheelSource source;
  };
  std::vector<std::pair<std::size_t, WheelFacts>> done;
  Diagnostics notes;

 private:
  void work() {
    while (true) {
      std::vector<Item> batch;
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return closed_ || !waiting_.empty(); });
        if (waiting_.empty() || failure_) return;
        batch.swap(waiting_);
      }
      try {
        std::vector<WheelSource> sources;
        for (const Item& item : batch) sources.push_back(item.source);
        const std::vector<WheelFacts> facts = store_.ensure(sources, options_, notes, progress_);
        for (std::size_t i = 0; i < batch.size(); ++i) {
          done.emplace_back(batch[i].index, facts[i]);
          unlink(batch[i].source.path.c_str());
        }
      } catch (...) {
        const std::lock_guard lock(mutex_);
        failure_ = std::current_exception();
      }
    }
  }

  Store& store_;
  const StoreOptions& options_;
  const Store::Progress& progress_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Item> waiting_;
  std::exception_ptr failure_;
  bool closed_ = false;
  std::thread thread_;
};

bool must_download(const Store& store, const Delivery& delivery) {
  return delivery.source.path.empty() && !delivery.url.empty() && !store.find(delivery.source);
}

}  // namespace

std::vector<WheelFacts> deliver(Store& store, std::span<const Delivery> deliveries, Fetcher& fetcher,
                                const StoreOptions& options, Diagnostics& notes,
                                const DeliverProgress& progress) {
  remove_abandoned(store.root());
  std::vector<WheelFacts> facts(deliveries.size());
  std::vector<WheelSource> here;
  std::vector<std::size_t> here_index;
  std::vector<std::size_t> remote;
  for (std::size_t i = 0; i < deliveries.size(); ++i) {
    if (must_download(store, deliveries[i])) {
      remote.push_back(i);
    } else {
      here.push_back(deliveries[i].source);
      here_index.push_back(i);
    }
  }

  if (!remote.empty()) {
    const ScratchDirectory directory(store.root(), "download");
    std::vector<DownloadRequest> requests;
    for (const std::size_t i : remote) {
      // One directory for each: two indexes may have files of one name.
      const std::string place = store.path() + "/" + directory.path() + "/" + std::to_string(i);
      make_dir(AT_FDCWD, place);
      requests.push_back({deliveries[i].url, deliveries[i].package,
                          place + "/" + deliveries[i].source.file_name, deliveries[i].source.hashes,
                          deliveries[i].source.size});
    }
    Unpacker unpacker(store, options, progress.unpacked);
    fetcher.fetch_all(
        requests,
        [&](std::size_t k, const DownloadResult& result) {
          unpacker.check();
          WheelSource source = deliveries[remote[k]].source;
          source.path = requests[k].destination;
          if (!source.hashes.empty()) source.hashes = {{HashAlgorithm::sha256, result.sha256.hex()}};
          unpacker.add(remote[k], std::move(source));
        },
        progress.received);
    unpacker.finish();
    unpacker.check();
    for (auto& [index, wheel] : unpacker.done) facts[index] = std::move(wheel);
    notes.insert(notes.end(), unpacker.notes.begin(), unpacker.notes.end());
  }

  const std::vector<WheelFacts> found = store.ensure(here, options, notes, progress.unpacked);
  for (std::size_t k = 0; k < here.size(); ++k) facts[here_index[k]] = found[k];
  return facts;
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
                        sources[i].size});
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
