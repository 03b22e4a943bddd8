#pragma once
// Where each member of a wheel's archive goes, and whether it may.

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "axle/archive/archive.h"
#include "axle/wheel/inspect.h"

namespace axle {

struct WheelDirs {
  std::string dist_info;
  std::optional<std::string> data_dir;
  Scheme root_scheme = Scheme::purelib;
};

// One role for each member, without what RECORD promises. Throws Error(bad_input) for an unknown .data key, a
// directory among the scripts, a file on one of the environment's own, one path from two members whose sizes
// or CRCs differ; Error(conflict) for another distribution's dist-info reached through .data.
std::vector<MemberRole> assign_roles(std::span<const Member> members, const WheelDirs& dirs);

// How much of a file's content inspection needs.
Want want_of(Scheme scheme, std::string_view path) noexcept;

}  // namespace axle
