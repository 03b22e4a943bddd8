#include "plan/requirement_walk.h"

#include "axle/base/error.h"

namespace axle {

void RequirementWalk::add(std::vector<std::optional<Requirement>> requirements) {
  requirements_.push_back(std::move(requirements));
}

void RequirementWalk::ask(std::size_t package, const std::string& extra) {
  if (asked_.emplace(package, extra).second) work_.emplace_back(package, extra);
}

bool RequirementWalk::holds(const Requirement& requirement, const std::string& extra) {
  if (!requirement.marker) return true;
  auto known = contexts_.find(extra);
  if (known == contexts_.end()) {
    MarkerEnvironment environment = environment_;
    environment.extra = extra;
    known = contexts_.emplace(extra, MarkerContext(environment)).first;
  }
  return requirement.marker->evaluate(known->second);
}

void RequirementWalk::run(const Count& count, const Undecided& undecided) {
  for (std::size_t package = 0; package < requirements_.size(); ++package) ask(package, "");
  while (!work_.empty()) {
    const auto [package, extra] = std::move(work_.front());
    work_.pop_front();
    for (std::size_t i = 0; i < requirements_[package].size(); ++i) {
      std::optional<Requirement>& requirement = requirements_[package][i];
      if (!requirement) continue;
      try {
        if (!holds(*requirement, extra)) continue;
      } catch (const Error& error) {
        undecided(package, *std::exchange(requirement, std::nullopt), error.message());
        continue;
      }
      count(package, i, *std::exchange(requirement, std::nullopt), extra);
    }
  }
}

}  // namespace axle
