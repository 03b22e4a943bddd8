#pragma once
// axle store verify [--repair].

#include "axle/store/store.h"
#include "cli/options.h"

namespace axle::cli {

// Compares all that the store holds with its digests and prints what differs; the status for the exit. With
// --repair what is damaged is removed, and a wheel whose archive is at hand (kept in the store, or by its
// name in a --find-links directory) is unpacked anew at the same place, so that environments that link to it
// are whole again.
int verify_store(const Options& options, Store& store);

}  // namespace axle::cli
