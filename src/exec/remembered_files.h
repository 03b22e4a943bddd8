#pragma once
// Looking after what is remembered (exec/remembered_plan.h) in a store: plans, and files of dist-infos.

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "axle/base/diagnostic.h"
#include "axle/base/digest.h"
#include "axle/store/store.h"

namespace axle {

struct RememberedFile {
  std::string path;  // relative to the store's root
  std::uint64_t bytes = 0;
};
std::vector<RememberedFile> list_remembered(const Store& store);

// Plans that are damaged or need a wheel that is not in the store or is among `gone`, and files of dist-infos
// that neither a plan nor, by hard link, an environment has.
std::vector<RememberedFile> find_unused_remembered(const Store& store, const std::set<Sha256>& gone);

// What is wrong with the file's bytes; empty: nothing.
Diagnostics verify_remembered(const Store& store, const RememberedFile& file);

void remove_remembered(const Store& store, const RememberedFile& file);

}  // namespace axle
