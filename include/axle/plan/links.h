#pragma once
// A plan as the link doctor sees it (axle/object/link_doctor.h): which native objects will lie where, and
// through which symbolic links. Pure.

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "axle/env/interpreter.h"
#include "axle/object/link_doctor.h"
#include "axle/object/object_facts.h"
#include "axle/plan/plan.h"

namespace axle {

// `tree` points into `facts`, so it is moved and never copied.
struct PlannedLinks {
  PlannedLinks() = default;
  PlannedLinks(PlannedLinks&&) = default;
  PlannedLinks& operator=(PlannedLinks&&) = default;
  PlannedLinks(const PlannedLinks&) = delete;
  PlannedLinks& operator=(const PlannedLinks&) = delete;

  LinkTree tree;                 // objects sorted by path
  std::vector<StoreFile> files;  // of tree.objects, in their order
  std::deque<ObjectFacts> facts;
};

// Objects have the paths by which they are opened, relative to the layout's root; links lead to the
// directories that the store has for wheels, below `wheels` (an absolute path). Patched objects have the
// rpaths that they will have. Libraries and dynamic programs are listed; files of other tools are not known.
PlannedLinks describe_links(const Plan& plan, std::string_view wheels = "/store/wheels");

// Only the links of a plan that lead to native objects: all that changes of its description with the choice
// of links.
std::vector<LinkedPath> describe_linked_paths(const Plan& plan, std::string_view wheels = "/store/wheels");

// A wheel alone: its packages at the root, its scripts in bin/.
PlannedLinks describe_links(const WheelFacts& wheel);

// The loader of the interpreter's platform, and what that platform's tag says of the system. Knows nothing of
// the interpreter's own files: those are exec's (describe_host).
LinkPolicy target_link_policy(const Interpreter& interpreter);

// The same for a platform tag of a wheel ("manylinux_2_28_x86_64", "any"); for a tag that names no system
// glibc without a version.
LinkPolicy platform_link_policy(std::string_view platform);

}  // namespace axle
