#pragma once
// Reading what an environment holds: from axle's receipt, and from the RECORDs of what other tools installed.

#include <optional>

#include "axle/base/diagnostic.h"
#include "axle/env/layout.h"
#include "axle/plan/diff.h"
#include "axle/store/store.h"
#include "base/fd.h"
#include "exec/receipt.h"

namespace axle {

struct Installation {
  State state;
  std::optional<ReceiptHead> head;  // none: axle never changed it
  Diagnostics notes;
};

// Facts come from `store` (nullptr: none) where it has them, else from the installed RECORD. What the receipt
// has and site-packages no longer has was removed by another tool; what axle laid and another tool replaced
// is that tool's. A distribution of another tool whose RECORD is absent or cannot be read has no files but
// its dist-info's, and a note "record-missing". Throws Error(bad_input) for a damaged receipt.
Installation read_installation(const Fd& root, const Layout& layout, const Store* store,
                               const Store* linked = nullptr);

// Axle's own distributions of which something is a symbolic link into a store.
std::set<DistId> linked_dists(const State& state);

}  // namespace axle
