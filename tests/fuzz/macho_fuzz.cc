// Readers and edits of Mach-O objects: whatever the bytes are, there are facts, or none, or an Error.

#include "axle/base/error.h"
#include "axle/object/object_facts.h"
#include "axle/object/rpath_edit.h"
#include "fuzz/object_input.h"
#include "object/images.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  axle::test::MachoShape shape;
  shape.is64 = size % 2 == 0;
  shape.id = "@rpath/x.dylib";
  shape.needed = {"/usr/lib/libSystem.B.dylib"};
  shape.rpaths = {"@loader_path"};
  shape.signature = axle::test::MachoShape::Signature::ad_hoc;
  const std::string thin = axle::test::macho_image(shape);
  const std::string bytes = axle::fuzz::object_input(
      data, size, size % 3 == 0 ? axle::test::fat_image({{7, thin}, {12, thin}}) : thin);
  const auto facts = axle::read_object(bytes);
  if (!facts) return 0;
  try {
    axle::RpathEdit edit;
    edit.entries = {"@loader_path/../a/rather/long/path", "@loader_path"};
    const axle::EditPlan plan = axle::plan_rpath_edit(bytes, edit);
    const auto edited = axle::read_object(axle::apply_edit(plan, bytes));
    if (!edited || !edited->error.empty()) __builtin_trap();
  } catch (const axle::Error&) {
  }
  return 0;
}
