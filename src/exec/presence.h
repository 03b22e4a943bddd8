#pragma once
// What lies in an environment, by one listing for each directory instead of a look at each path. A directory
// behind a link that leads out of the environment is Error(conflict).

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "axle/plan/policy.h"
#include "base/fd.h"

namespace axle {

class Presence {
 public:
  Presence(const Fd& root, Names names) : root_(root), names_(names) {}

  // The type (a DT_ constant) of what is at the path, links not followed at its end; nullopt when nothing is.
  std::optional<unsigned char> type_of(std::string_view path);

 private:
  const std::vector<DirEntry>& listing_of(std::string_view dir);

  const Fd& root_;
  Names names_;
  std::map<std::string, std::vector<DirEntry>, std::less<>> listings_;  // references stay valid
  std::string last_dir_ = "/";                                          // no path is this
  const std::vector<DirEntry>* last_ = nullptr;
};

}  // namespace axle
