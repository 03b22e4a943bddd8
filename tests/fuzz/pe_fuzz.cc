// Readers and edits of PE objects: whatever the bytes are, there are facts, or none, or an Error.

#include "axle/base/error.h"
#include "axle/object/object_facts.h"
#include "axle/object/rpath_edit.h"
#include "fuzz/object_input.h"
#include "object/images.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  axle::test::PeShape shape;
  shape.is64 = size % 2 == 0;
  shape.name = "x.pyd";
  shape.imports = {"KERNEL32.dll", "python3.dll"};
  shape.delay_imports = {"nvcuda.dll"};
  const std::string bytes = axle::fuzz::object_input(data, size, axle::test::pe_image(shape));
  const auto facts = axle::read_object(bytes);
  if (!facts) return 0;
  try {
    axle::RpathEdit edit;
    edit.entries = {"x/../a/rather/long/path", "x"};
    const axle::EditPlan plan = axle::plan_rpath_edit(bytes, edit);
    const auto edited = axle::read_object(axle::apply_edit(plan, bytes));
    if (!edited || !edited->error.empty()) __builtin_trap();
  } catch (const axle::Error&) {
  }
  return 0;
}
