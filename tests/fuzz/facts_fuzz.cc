// A facts file out of the input: as it is, and as edits of a sound one (each four bytes are a place and a
// value).

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "axle/object/object_facts.h"
#include "axle/wheel/facts_builder.h"
#include "wheel/exercise_facts.h"

namespace {

std::string sound() {
  axle::ObjectFacts object;
  object.machine = "x86_64";
  object.needed = {"libc.so.6"};
  object.rpath = "$ORIGIN/..";
  axle::FactsBuilder builder;
  builder.requires_dist("a").entry_point("console_scripts", "demo", "demo:main").fault({"x", "y"});
  builder.file(axle::Scheme::purelib, "demo/__init__.py", "")
      .file(axle::Scheme::purelib, "demo/sub/deep/mod.py", "x")
      .file(axle::Scheme::purelib, "demo/sub/x.so", axle::FileInput{})
      .object(object)
      .file(axle::Scheme::purelib, "demo.pth", "import demo\n")
      .file(axle::Scheme::data, "share/man/man1/tool.1", "");
  return std::string(builder.build().bytes());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::string base = sound();
  axle::test::exercise_facts(std::string(reinterpret_cast<const char*>(data), size));
  std::string edited = base;
  for (std::size_t at = 0; at + 4 <= size; at += 4) {
    const std::size_t place = (data[at] | std::size_t{data[at + 1]} << 8) % (edited.size() / 2) * 2;
    std::memcpy(edited.data() + place, data + at + 2, 2);
  }
  axle::test::exercise_facts(edited);
  return 0;
}
