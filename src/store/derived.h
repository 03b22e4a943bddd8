#pragma once
// Files made from those of wheels: an object with other rpaths. They lie beside the wheels, are found by what
// they were made from and how, and are shared by all environments. They are a cache: no environment links to
// them by name, so any may be removed at any time.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "axle/base/diagnostic.h"
#include "axle/base/digest.h"
#include "axle/store/store.h"
#include "base/fd.h"

namespace axle {

struct DerivedFile {
  Sha256 key;    // of what it was made from and how
  Sha256 wheel;  // for which it was first made
  Sha256 sha256;
  std::uint64_t size = 0;
  std::string path;  // of the file, relative to the store's root
};

// nullopt when it is not there, or what is there is damaged at first sight.
std::optional<DerivedFile> find_derived(const Store& store, const Sha256& key);

struct DerivedLook {
  bool executable = false;
  std::int64_t mtime_ns = 0;
};
// `make` writes into an empty file; what it leaves is measured and appears by one rename. Whoever comes first
// wins. Throws Error(io) and what `make` throws. Thread-safe.
DerivedFile make_derived(const Store& store, const Sha256& key, const Sha256& wheel, const DerivedLook& look,
                         const std::function<void(const Fd& into)>& make);

std::vector<DerivedFile> list_derived(const Store& store);  // by key; damaged ones with size 0
// Whether a file of some environment is a hard link to it.
bool is_linked(const Store& store, const DerivedFile& file);
// What is wrong with it; empty: nothing.
Diagnostics verify_derived(const Store& store, const DerivedFile& file);
void remove_derived(const Store& store, const Sha256& key);

}  // namespace axle
