#pragma once
// The edit of an ELF object's RPATH or RUNPATH (see the essay in the .cc).

#include "axle/object/rpath_edit.h"
#include "object/source.h"

namespace axle::object {

// Throws Error(unsupported) or Damage.
EditPlan plan_elf_edit(Source& source, const RpathEdit& edit);

}  // namespace axle::object
