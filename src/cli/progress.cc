#include "cli/progress.h"

#include <unistd.h>

#include <cstdio>
#include <numeric>

namespace axle::cli {
namespace {

std::string megabytes(std::uint64_t bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f MB", static_cast<double>(bytes) / 1e6);
  return text;
}

}  // namespace

ProgressBar::ProgressBar(const Options& options)
    : enabled_(!options.quiet && !options.no_progress && isatty(STDERR_FILENO) == 1) {}

ProgressBar::~ProgressBar() {
  if (drawn_) std::fputs("\r\x1b[K", stderr);
}

DeliverProgress ProgressBar::deliver_progress() {
  if (!enabled_) return {};
  DeliverProgress progress;
  progress.unpacked = [this](std::uint64_t bytes) {
    unpacked_ += bytes;
    draw();
  };
  progress.received = [this](const DownloadProgress& download) {
    {
      const std::lock_guard lock(mutex_);
      if (received_.size() <= download.index) received_.resize(download.index + 1);
      if (totals_.size() <= download.index) totals_.resize(download.index + 1);
      received_[download.index] = download.received;
      totals_[download.index] = download.total.value_or(download.received);
    }
    draw();
  };
  return progress;
}

void ProgressBar::draw() {
  const std::lock_guard lock(mutex_);
  const auto now = std::chrono::steady_clock::now();
  if (now - last_ < std::chrono::milliseconds(80)) return;
  last_ = now;
  drawn_ = true;
  std::string line = "\r";
  const std::uint64_t total = std::accumulate(totals_.begin(), totals_.end(), std::uint64_t{0});
  if (total != 0) {
    const std::uint64_t received = std::accumulate(received_.begin(), received_.end(), std::uint64_t{0});
    constexpr std::uint64_t width = 24;
    const auto filled = static_cast<std::size_t>(received * width / total);
    line += "[" + std::string(filled, '#') + std::string(width - std::min<std::size_t>(filled, width), '.') +
            "] " + megabytes(received) + " of " + megabytes(total) + " fetched, ";
  }
  line += megabytes(unpacked_) + " unpacked\x1b[K";
  std::fputs(line.c_str(), stderr);
}

}  // namespace axle::cli
