#pragma once
// The edit of a Mach-O object's load commands, within the room that its linker left for them.

#include "axle/object/rpath_edit.h"
#include "object/source.h"

namespace axle::object {

// Throws Error(unsupported) or Damage.
EditPlan plan_macho_edit(Source& source, const RpathEdit& edit);

}  // namespace axle::object
