#pragma once

#include <string>
#include <utility>
#include <vector>

#include "exec/check_files.h"

namespace axle {

struct NativeCheck {
  const std::vector<FoundObject>& objects;
  const std::vector<RecordedDist>& dists;
  const std::vector<std::pair<std::string, std::string>>& requires_edges;
};
// Whether every library of the environment would load, by the link doctor: what would not is
// "library-unloadable", what may not is a warning "library-<verdict>".
Diagnostics check_native(const Fd& root, const Layout& layout, const Interpreter& interpreter,
                         const NativeCheck& input);

}  // namespace axle
