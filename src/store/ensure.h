#pragma once
// Wheels on their way into the store, as they come: those that are there already, those in local files, those
// that were downloaded.

#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "axle/store/fetch.h"
#include "axle/store/store.h"
#include "store/local_index.h"
#include "store/unpack.h"

namespace axle {

class Intake {
 public:
  // For `count` sources. Unpacks with up to `helpers` threads beside the one that calls finish().
  Intake(Store& store, std::size_t count, const StoreOptions& options, const Store::Progress& progress,
         unsigned helpers);

  // Source `index`. Throws Error(integrity | no_match | io) where that is known without looking into it.
  void add(std::size_t index, const WheelSource& source);
  // The same for what was downloaded into memory, or into a file of its own, which is removed as soon as it
  // is unpacked. The digest is that of the bytes as they came, and was compared with what was expected.
  void add_received(std::size_t index, const WheelSource& source, const DownloadResult& download);
  // Does a piece of the unpacking that takes some milliseconds at most; false when there is none.
  bool work_once() { return unpacking_.work_once(); }
  // Of those who unpack.
  Appetite appetite() const noexcept;
  // Throws when any was refused already.
  void check();
  // The facts of all, in their order; throws the failure of the first in that order.
  std::vector<WheelFacts> finish(Diagnostics& notes);

 private:
  struct Row {
    WheelSource source;
    std::optional<WheelFacts> facts;  // when it was there
    std::size_t job = 0;              // otherwise
  };

  bool is_there(std::size_t index, const WheelSource& source);
  void rethrow_failure();

  Store& store_;
  const StoreOptions options_;
  std::vector<Row> rows_;  // one for each source
  LocalIndex index_;
  std::map<std::string, std::size_t> job_of_;  // by path and expected hashes
  std::deque<UnpackJob> jobs_;
  Unpacking unpacking_;  // last: its threads use the jobs
};

}  // namespace axle
