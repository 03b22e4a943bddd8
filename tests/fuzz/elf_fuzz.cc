// Readers and edits of ELF objects: whatever the bytes are, there are facts, or none, or an Error.

#include "axle/base/error.h"
#include "axle/object/object_facts.h"
#include "axle/object/rpath_edit.h"
#include "fuzz/object_input.h"
#include "object/images.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  axle::test::ElfShape shape;
  shape.is64 = size % 2 == 0;
  shape.big = size % 3 == 0;
  shape.machine = 21;
  shape.needed = {"liba.so", "libc.so.6"};
  shape.soname = "libx.so";
  shape.runpath = "$ORIGIN";
  shape.version = "GLIBC_2.17";
  shape.interpreter = size % 5 == 0 ? "/lib/ld.so" : "";
  shape.with_note = true;
  const std::string bytes = axle::fuzz::object_input(data, size, axle::test::elf_image(shape));
  const auto facts = axle::read_object(bytes);
  if (!facts) return 0;
  try {
    axle::RpathEdit edit;
    edit.entries = {"$ORIGIN/../a/rather/long/path", "$ORIGIN"};
    const axle::EditPlan plan = axle::plan_rpath_edit(bytes, edit);
    const auto edited = axle::read_object(axle::apply_edit(plan, bytes));
    if (!edited || !edited->error.empty()) __builtin_trap();
  } catch (const axle::Error&) {
  }
  return 0;
}
