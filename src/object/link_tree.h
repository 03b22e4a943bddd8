#pragma once
// The tree as the kernel would walk it: symbolic links are followed, and ".." goes up from where one really
// is.

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "axle/object/link_doctor.h"

namespace axle::object {

class PathWalker {
 public:
  explicit PathWalker(const LinkTree& tree);

  // The physical path of `path`, which may have "." and ".." and begin with '/' or be relative to the root of
  // the tree. nullopt when a relative one leaves the tree, or links go in circles. `left`, when given, gets
  // the links that a ".." left.
  std::optional<std::string> walk(std::string_view path, std::vector<std::string>* left = nullptr) const;

 private:
  std::string root_;
  std::unordered_map<std::string, std::string> links_;
};

// "a/b/../c" is "a/c": what the path would mean without links. nullopt when it leaves the tree.
std::optional<std::string> fold_path(std::string_view path);

std::string_view parent_path(std::string_view path) noexcept;  // "" of a single component
std::string_view base_name(std::string_view path) noexcept;
// From directory `from` to directory `to`: "../b/lib", "." when they are one. Both relative, or both
// absolute.
std::string relative_path(std::string_view from, std::string_view to);

}  // namespace axle::object
