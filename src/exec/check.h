#pragma once
// Comparing an environment with what it says of itself: RECORDs, dependencies, scripts, start-up hooks,
// native libraries.
//
// Every finding is a Diagnostic of severity error or warning. Kinds that are errors: file-missing,
// file-changed, file-unreadable, link-broken, path-shared, duplicate-distribution, dependency-missing,
// dependency-version, requires-python, script-interpreter-gone, library-unloadable. Warnings: startup-hook,
// unrecorded-file, record-missing, record-outside, metadata-missing, metadata-invalid, library-* of other
// kinds, and the notes of read_installed().

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "axle/base/diagnostic.h"
#include "axle/env/installed.h"
#include "axle/env/interpreter.h"
#include "axle/env/layout.h"
#include "axle/pep/marker.h"
#include "axle/plan/plan.h"
#include "axle/wheel/metadata.h"
#include "base/fd.h"
#include "exec/state.h"

namespace axle {

enum class CheckScope { all, native };  // native: only libraries
enum class CheckDepth {
  digest,
  size_and_time
};  // size_and_time: files of axle that look as they were laid are not read

struct CheckOptions {
  CheckScope scope = CheckScope::all;
  CheckDepth depth = CheckDepth::digest;
  unsigned jobs = 1;
  std::string destdir;  // before every absolute path of the target; "" for this machine
  bool hooks_allowed = false;
  std::set<std::string> allowed_hooks;  // normalized distribution names
};

struct CheckReport {
  Diagnostics problems;  // errors first; by kind, distribution, path
  std::size_t distributions = 0;
  std::size_t files = 0;
  std::size_t scripts = 0;
  std::size_t libraries = 0;
  std::size_t requirements = 0;
};

// Reads, and changes nothing. Throws Error(io) when the environment itself cannot be listed,
// Error(interrupted).
CheckReport check_environment(const Fd& root, const Layout& layout, const Interpreter& interpreter,
                              const Installation& installation, const CheckOptions& options);

// A distribution with the rows of its RECORD as they are on disk.
struct RecordedDist {
  InstalledDist name;
  const LaidDist* laid = nullptr;
  std::vector<InstalledFile> rows;  // paths below the root, "lib64" folded into "lib" in virtual environments
};
// The distributions of `installation` in its order. Where RECORD cannot be read there is a problem, and the
// rows name what is known without it.
std::vector<RecordedDist> read_records(const Fd& root, const Layout& layout, const Installation& installation,
                                       Diagnostics& problems);

// Recorded paths, and by which distribution (an index).
using Recorded = std::map<std::string, std::size_t, std::less<>>;

// What runs at every start of this environment's interpreter, found on disk, by path. `distribution` is ""
// where nobody recorded the file.
std::vector<StartupHook> read_startup_hooks(const Fd& root, const Layout& layout,
                                            const Interpreter& interpreter,
                                            const std::vector<RecordedDist>& dists, const Recorded& recorded);
Recorded index_records(const std::vector<RecordedDist>& dists);

// What dependencies are judged from. Pure.
struct DependencyNode {
  std::string name;  // normalized
  std::string version;
  std::string path;  // its dist-info
  std::optional<Metadata> metadata;
};
struct DependencyReport {
  Diagnostics problems;
  std::size_t requirements = 0;  // that count in this environment
  std::vector<std::pair<std::string, std::string>>
      edges;  // who requires whom; normalized, sorted, both installed
};
// `outside`: distributions that can be imported too but belong to somebody else, with "" for an unknown
// version. An extra's requirements count when another distribution requests that extra. spec: PEP 508, "Core
// metadata" Requires-Dist.
DependencyReport check_dependencies(const std::vector<DependencyNode>& nodes,
                                    const std::multimap<std::string, std::string>& outside,
                                    const MarkerEnvironment& environment, const std::string& python_version);

// The interpreter that the first lines of a script name: an absolute path, or nullopt when it has none or
// finds it when it is started (env, a path that the shell computes).
std::optional<std::string> find_script_interpreter(std::string_view head);

}  // namespace axle
