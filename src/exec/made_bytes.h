#pragma once
// What a layer holds that is not plainly a file of a wheel: scripts with another first line, objects with
// other rpaths.

#include <optional>
#include <string>
#include <vector>

#include "axle/plan/plan.h"
#include "base/temporary_file.h"
#include "exec/wheel_set.h"

namespace axle {

// The bytes of a plan's Rewritten and Patched entries, by entry: those of edited objects, which may be large,
// are in a file that is gone with the object.
struct MadeEntry {
  std::string bytes;
  std::optional<TemporaryFile> file;  // instead of `bytes`
  WrittenFile written;
};
using MadeBytes = std::vector<std::optional<MadeEntry>>;
// `directory` is where such files may be.
MadeBytes make_bytes(const Plan& plan, const WheelSet& wheels, const std::string& directory);
std::vector<std::optional<WrittenFile>> digests_of(const MadeBytes& made);

}  // namespace axle
