#pragma once
// A progress bar on standard error, when that is a terminal.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "axle/store/deliver.h"
#include "cli/options.h"

namespace axle::cli {

class ProgressBar {
 public:
  explicit ProgressBar(const Options& options);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  // The callbacks refer to this object.
  DeliverProgress deliver_progress();

 private:
  void draw();

  bool enabled_;
  std::atomic<std::uint64_t> unpacked_{0};
  std::mutex mutex_;
  std::vector<std::uint64_t> received_;
  std::vector<std::uint64_t> totals_;
  std::chrono::steady_clock::time_point last_{};
  bool drawn_ = false;
};

}  // namespace axle::cli
