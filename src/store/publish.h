#pragma once
// From a finished staging directory to a wheel in the store.

#include <string>
#include <string_view>
#include <unordered_set>

#include "base/fd.h"
#include "store/scratch.h"

namespace axle {

// Renames `staging` to `place` ("wheels/<hex>"). What another process published there in the meantime stays
// when its facts are these; anything else gives way.
void publish(const Fd& store, ScratchDirectory& staging, const std::string& place, std::string_view facts);

// Python writes byte-code beside modules, and through a linked directory it would do so in the store, where
// root stops at no mode. A __pycache__ that is no directory and can become none stops it everywhere: import
// goes on without byte-code. `package_dirs` hold modules, `dirs` are all that there are; paths below `tree`.
void block_byte_code(const Fd& tree, const std::unordered_set<std::string>& package_dirs,
                     const std::unordered_set<std::string>& dirs);

}  // namespace axle
