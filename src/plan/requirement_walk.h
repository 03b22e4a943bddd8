#pragma once
// Which Requires-Dist count among packages that are there: those whose marker holds with `extra` empty, or
// with an extra that a requirement which counts has asked for. So extras spread: a[x] may ask for b[y], which
// may ask for c. Each pair of package and extra is visited once. Pure.

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "axle/pep/marker.h"
#include "axle/pep/requirement.h"

namespace axle {

class RequirementWalk {
 public:
  // One that counts: the `index`-th of the package, asked for with `extra`.
  using Count = std::function<void(std::size_t package, std::size_t index, const Requirement& requirement,
                                   const std::string& extra)>;
  // One whose marker has no value. It does not count.
  using Undecided =
      std::function<void(std::size_t package, const Requirement& requirement, const std::string& why)>;

  // `environment` must outlive the walk.
  explicit RequirementWalk(const MarkerEnvironment& environment) : environment_(environment) {}

  // Packages have the numbers of their order. nullopt is a requirement that could not be read.
  void add(std::vector<std::optional<Requirement>> requirements);
  // Visits each package without extra. `count` may ask for more.
  void run(const Count& count, const Undecided& undecided);
  // The package's requirements for this extra are to be visited, too.
  void ask(std::size_t package, const std::string& extra);

 private:
  bool holds(const Requirement& requirement, const std::string& extra);

  const MarkerEnvironment& environment_;
  std::vector<std::vector<std::optional<Requirement>>> requirements_;  // nullopt once it was dealt with, too
  std::map<std::string, MarkerContext> contexts_;
  std::set<std::pair<std::size_t, std::string>> asked_;
  std::deque<std::pair<std::size_t, std::string>> work_;
};

}  // namespace axle
