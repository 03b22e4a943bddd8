#pragma once
// What is known of names and paths without looking at the tree.

#include <optional>
#include <string>
#include <string_view>

#include "axle/object/link_doctor.h"

namespace axle::object {

// What the platform of the policy gives under a name.
struct Expectation {
  enum class Kind { unknown, base, common, driver, interpreter, wrong_libc };
  Kind kind = Kind::unknown;
  std::string package;  // in words
};
Expectation find_expectation(std::string_view name, const LinkPolicy& policy);

// What is odd about one entry of an ELF list; nullopt for one that begins with $ORIGIN.
std::optional<SuspiciousPath::Kind> find_suspicion(std::string_view entry);

// Versions of numbers between dots: negative, 0 or positive as `a` is below, equal to or above `b`.
int compare_dotted(std::string_view a, std::string_view b);

}  // namespace axle::object
