#pragma once
// The steps of selection. Problems are gathered, so that a user learns of all of them at once.

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "axle/plan/select.h"

namespace axle::selection {

using Problems = std::vector<SelectionProblem>;

// What is on, by normalized names.
struct ActiveParts {
  std::set<std::string> extras;
  std::set<std::string> groups;
  bool base = true;  // the project's own dependencies
};

// Resolves what is wanted against what exists.
ActiveParts find_parts(const Lock& lock, const Wanted& wanted, Problems& problems);

// requires-python, targets, environments.
void check_target(const Lock& lock, const SelectionRequest& request, const ActiveParts& parts,
                  Problems& problems);

// An index into Lock::packages, with whether the project itself names it.
struct ActivePackage {
  std::size_t package = 0;
  bool requested = false;
};

// In the order of the lock, each package once.
std::vector<ActivePackage> find_active(const Lock& lock, const SelectionRequest& request,
                                       const ActiveParts& parts, Problems& problems);

// Markers of a lock under one environment: each is evaluated at most once.
class Verdicts {
 public:
  Verdicts(const Lock& lock, MarkerEnvironment environment);

  // True for no_marker. Throws Error(bad_input) at the marker's place when it has no meaning.
  bool holds(MarkerId id);
  // The same with other extras, for formats in which `extra` means those of the package that has the edge.
  bool holds_with(MarkerId id, const std::set<std::string>& extras) const;

 private:
  const Lock& lock_;
  MarkerEnvironment environment_;
  MarkerContext context_;
  std::vector<signed char> known_;  // -1 unknown
};

// The environment in which a lock's markers are meant.
MarkerEnvironment marker_environment(const Lock& lock, const SelectionRequest& request,
                                     const ActiveParts& parts);

// The version of the target's interpreter.
Version python_version(const SelectionRequest& request);

// The best of some files for the target; nullopt when none fits. Throws Error(bad_input) when a wheel that
// fits is not of this package.
std::optional<std::size_t> best_wheel(const Lock& lock, const LockPackage& package, const TagSet& tags);

// For messages: "cp310 on manylinux_2_17_x86_64, win_amd64; ..." and "cp312 on musllinux_1_2_x86_64".
std::string describe_wheels(const std::vector<std::string>& file_names);
std::string describe_target(const TagTarget& target);

}  // namespace axle::selection
