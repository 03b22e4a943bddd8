#pragma once
// From wheels to layers: opens, plans, flattens, splits and writes. What the commands `layer` and
// `action layer` have in common.

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "axle/base/diagnostic.h"
#include "axle/plan/plan.h"
#include "axle/plan/split_layers.h"
#include "axle/store/store.h"
#include "base/temporary_file.h"
#include "exec/layer.h"

namespace axle {

struct LayerRequest {
  // Archives by their paths; those without a path are taken from the store.
  std::vector<WheelSource> wheels;
  // Instead of these: wheels as they are in the store, which may have byte-code.
  std::vector<WheelFacts> unpacked;
  const Store* store = nullptr;  // nullptr: every wheel has a path
  VerifyLevel verify = VerifyLevel::record;
  FactsFrom facts = FactsFrom::record;  // contents: where the plan looks at native objects (--rpath fix)
  // The plan of these wheels' facts, in the same order: a plan for Linux, with link mode copy. It may be
  // asked for twice.
  std::function<Plan(const std::vector<WheelFacts>&)> plan;
  SplitRule split;
  LayerOptions layer;  // with a cache: of this store
  enum class Mtree { none, wanted } mtree = Mtree::none;
  std::string directory;  // where the files are made that publish() renames
};

struct BuiltLayer {
  std::string name;  // as in LayerPart
  std::vector<std::string> distributions;
  LayerDigest digest;
  std::size_t entries = 0;
  TemporaryFile file;
};

struct BuiltLayers {
  Plan plan;
  std::vector<BuiltLayer> layers;
  std::string mtree;                          // of all together, if it was wanted
  std::vector<std::string> without_archives;  // distributions that came from the store, sorted
  Diagnostics notes;
};

// Throws Error: conflict (require_no_conflicts), unsupported for another target than Linux, and what opening
// wheels, planning and writing throw. Nothing is left then.
BuiltLayers build_layers(const LayerRequest& request);

}  // namespace axle
