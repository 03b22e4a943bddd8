#pragma once

#include "exec/check.h"

namespace axle {

struct ScriptsReport {
  Diagnostics problems;
  std::size_t scripts = 0;
};
// The environment's own interpreter, and that of every script: in an environment of all, elsewhere of those
// that are recorded.
ScriptsReport check_scripts(const Fd& root, const Layout& layout, const Interpreter& interpreter,
                            const std::vector<RecordedDist>& dists, const Recorded& recorded,
                            const CheckOptions& options);

}  // namespace axle
