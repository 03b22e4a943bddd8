#pragma once
// Where a bundle goes: a directory, a tar or one file, each of which comes to be by one rename; and what is
// said about it.

#include <cstdint>
#include <string>

#include "axle/base/diagnostic.h"
#include "cli/options.h"
#include "cli/report.h"
#include "exec/bundle.h"

namespace axle::cli {

class BundleOutput {
 public:
  // Looks at the place first: what is there and cannot be replaced is Error(io), an unknown ending
  // Error(usage).
  explicit BundleOutput(const Options& options);
  BundleOutput(const BundleOutput&) = delete;
  ~BundleOutput();

  // Adds lib/axle/bundle.json to the members. Notes what --compile could not do.
  void write(const BundleRequest& request, const Plan& plan, Bundle& bundle, Diagnostics& notes);
  void report(const BundleRequest& request, const Plan& plan, const Bundle& bundle, const Diagnostics& notes,
              const Stopwatch& watch) const;
  // What --dry-run says.
  void preview(const Plan& plan, const Bundle& bundle, const Diagnostics& notes) const;

 private:
  enum class Form { directory, tar, tar_gz, tar_zst, one_file };

  void publish_directory();
  void publish_tar(std::int64_t mtime);
  void publish_one_file(const BundleRequest& request, std::int64_t mtime);

  const Options& options_;
  Form form_ = Form::directory;
  std::string path_;   // absolute
  std::string stage_;  // a directory beside it; "" when there is none
  std::uint64_t size_ = 0;
  std::uint64_t files_ = 0;
  std::uint64_t bytes_ = 0;
  std::string key_;
};

}  // namespace axle::cli
