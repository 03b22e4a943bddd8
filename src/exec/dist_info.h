#pragma once
// Dist-infos that are one link: their directories in the store, "dist-info/<key>". In each lie links to what
// the wheel has, relative, so that they hold when a wheel is unpacked anew; and what axle writes, RECORD
// among it. They are made by whoever needs them first. Environments link to them by name, so one goes only
// when its wheel does.

#include <string>

#include "axle/base/diagnostic.h"
#include "axle/plan/plan.h"
#include "axle/store/store.h"
#include "exec/lay.h"

namespace axle {

// Relative to the store's root.
std::string dist_info_path(const Entry& entry);

// Sees to it that the directory is there and looks as it was made. Throws Error(integrity) when METADATA was
// changed in the wheel itself. Thread-safe.
void provide_dist_info(const Plan& plan, const Entry& entry, const Trees& trees, const Store& store);

// Removes those whose wheels are gone. The store must not be in use.
void remove_orphaned_dist_infos(const Store& store);

}  // namespace axle
