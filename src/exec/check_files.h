#pragma once
// Recorded files against the disk, and the disk against what is recorded.

#include <memory>
#include <string>
#include <vector>

#include "axle/object/object_facts.h"
#include "exec/check.h"

namespace axle {

// A native object that a distribution recorded.
struct FoundObject {
  std::string path;  // below the root
  std::size_t dist = 0;
  std::shared_ptr<const ObjectFacts> facts;
};

struct FilesReport {
  Diagnostics problems;
  std::size_t files = 0;
  std::vector<FoundObject> objects;  // by path
};
FilesReport check_files(const Fd& root, const std::vector<RecordedDist>& dists, const CheckOptions& options);

// Paths that two distributions record with different content.
Diagnostics check_shared_paths(const std::vector<RecordedDist>& dists);

// Files in site-packages, and among the scripts of an environment, that nobody recorded.
Diagnostics check_unrecorded(const Fd& root, const Layout& layout, const State& state,
                             const Recorded& recorded);

}  // namespace axle
