#pragma once
// Libraries of this machine, found where its loader looks without being told where.

#include <optional>
#include <string>
#include <vector>

#include "plan/bundle_libraries.h"

namespace axle {

class MachineLibraries {
 public:
  MachineLibraries();
  // The real path and the facts; nullopt when there is none of that machine and word size.
  std::optional<MachineLibrary> find(const std::string& name, const ObjectFacts& wanted) const;

 private:
  std::vector<std::string> dirs_;
};

}  // namespace axle
