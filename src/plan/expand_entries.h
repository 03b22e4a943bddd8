#pragma once

#include <set>
#include <string>
#include <string_view>

#include "axle/plan/plan.h"

namespace axle {

// Paths of directories under the root, sorted as text.
using DirectorySet = std::set<std::string, std::less<>>;

// Makes these directories real ones: every StoreTree at or above one of them becomes the things in it. The
// entries stay sorted; what comes out of a tree has its owner and way of laying.
void expand_entries(Plan& plan, const DirectorySet& directories);

// The directories above a path, itself left out: "a" and "a/b" of "a/b/c".
void add_directories_of(std::string_view path, DirectorySet& into);

}  // namespace axle
