#pragma once
// What lies in an environment, by one listing for each directory instead of a look at each path.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"

namespace axle {

class Presence {
 public:
  explicit Presence(const Fd& root) : root_(root) {}

  // The type (a DT_ constant) of what is at the path, links not followed at its end; nullopt when nothing is.
  std::optional<unsigned char> type_of(std::string_view path);

 private:
  const std::vector<DirEntry>& listing_of(std::string_view dir);

  const Fd& root_;
  std::map<std::string, std::vector<DirEntry>, std::less<>> listings_;  // references stay valid
  std::string last_dir_ = "/";                                          // no path is this
  const std::vector<DirEntry>* last_ = nullptr;
};

}  // namespace axle
