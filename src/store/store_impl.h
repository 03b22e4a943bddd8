#pragma once
// What the parts of the store share.

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "axle/store/store.h"
#include "base/fd.h"

namespace axle {

struct Store::Impl {
  std::string path;
  StoreUse use = StoreUse::shared;
  Fd root;
  Fd lock;  // held shared while the store is open; gc holds it alone
  std::optional<WheelFacts> read_facts(const Sha256& wheel) const;
  // What find() has read: one command asks for the same wheel several times.
  std::mutex known_mutex;
  std::map<Sha256, WheelFacts> known;
};

std::string wheel_dir(const Sha256& wheel);

}  // namespace axle
