#include "axle/wheel/classify.h"

#include <gtest/gtest.h>

#include "axle/object/object_facts.h"
#include "axle/wheel/facts_builder.h"
#include "axle/wheel/licence.h"

namespace axle {
namespace {

std::string class_at(const WheelFacts& facts, Scheme scheme, std::string_view path) {
  const auto file = facts.find(scheme, path);
  return file ? std::string(to_string(classify_file(facts, *file).file_class)) : "absent";
}

TEST(Classify, TellsFilesByNameAndPlace) {
  FactsBuilder builder;
  builder.name("demo").version("1.0");
  for (const char* path : {"demo-1.0.dist-info/METADATA", "demo/__init__.py", "demo/not-a-name.py",
                           "demo/data.json", "demo/x.h", "demo/__pycache__/x.cpython-312.pyc", "demo.pth"}) {
    builder.file(Scheme::purelib, path, "x");
  }
  builder.file(Scheme::scripts, "tool", "#!/bin/sh\n").file(Scheme::data, "share/x", "");
  const WheelFacts facts = builder.build();
  EXPECT_EQ(class_at(facts, Scheme::purelib, "demo-1.0.dist-info/METADATA"), "metadata");
  EXPECT_EQ(class_at(facts, Scheme::purelib, "demo/__init__.py"), "module");
  EXPECT_EQ(class_at(facts, Scheme::purelib, "demo/not-a-name.py"), "package-data");
  EXPECT_EQ(class_at(facts, Scheme::purelib, "demo/data.json"), "package-data");
  EXPECT_EQ(class_at(facts, Scheme::purelib, "demo/x.h"), "header");
  EXPECT_EQ(class_at(facts, Scheme::purelib, "demo/__pycache__/x.cpython-312.pyc"), "byte-code");
  EXPECT_EQ(class_at(facts, Scheme::purelib, "demo.pth"), "startup");
  EXPECT_EQ(class_at(facts, Scheme::scripts, "tool"), "script");
  EXPECT_EQ(class_at(facts, Scheme::data, "share/x"), "data");
}

void add_native(FactsBuilder& builder, const char* path, ObjectFacts::Kind kind, std::string soname = {}) {
  ObjectFacts object;
  object.kind = kind;
  object.soname = std::move(soname);
  builder.file(Scheme::purelib, path, path, file_flag::native).object(object);
}

TEST(Classify, TellsExtensionsFromLibrariesAndPrograms) {
  using Kind = ObjectFacts::Kind;
  FactsBuilder builder;
  builder.name("demo").version("1.0");
  add_native(builder, "demo/_c.cpython-312-x86_64-linux-gnu.so", Kind::shared_library);
  add_native(builder, "demo/_d.abi3.so", Kind::shared_library);
  add_native(builder, "demo/_plain.so", Kind::shared_library);
  add_native(builder, "demo/libx.so", Kind::shared_library);
  add_native(builder, "demo/named.so", Kind::shared_library, "named.so.1");
  add_native(builder, "demo.libs/liby-12345678.so.2", Kind::shared_library);
  add_native(builder, "demo/bin/tool", Kind::executable);
  const WheelFacts facts = builder.build();
  for (const char* path : {"demo/_c.cpython-312-x86_64-linux-gnu.so", "demo/_d.abi3.so", "demo/_plain.so"}) {
    EXPECT_EQ(class_at(facts, Scheme::purelib, path), "extension") << path;
  }
  for (const char* path : {"demo/libx.so", "demo/named.so", "demo.libs/liby-12345678.so.2"}) {
    EXPECT_EQ(class_at(facts, Scheme::purelib, path), "library") << path;
  }
  EXPECT_EQ(class_at(facts, Scheme::purelib, "demo/bin/tool"), "program");
}

TEST(Licence, PrefersWhatLeavesNoDoubt) {
  EXPECT_EQ(find_licence({"MIT AND (Apache-2.0 OR BSD-2-Clause)", "x", {}}).str(),
            "MIT AND (Apache-2.0 OR BSD-2-Clause)");
  EXPECT_FALSE(find_licence({"MIT OR ISC", "", {}}).is_id);
  EXPECT_EQ(find_licence({"", "mit", {"License :: OSI Approved :: BSD License"}}).expression, "MIT");
  EXPECT_EQ(find_licence({"", "", {"License :: OSI Approved :: MIT License"}}).expression, "MIT");
  const Licence family = find_licence({"", "", {"License :: OSI Approved :: BSD License"}});
  EXPECT_EQ(family.expression, "");
  EXPECT_EQ(family.names, std::vector<std::string>{"BSD License"});
  const Licence two = find_licence(
      {"", "", {"License :: OSI Approved :: MIT License", "License :: OSI Approved :: ISC License (ISCL)"}});
  EXPECT_EQ(two.expression, "");
  EXPECT_EQ(two.str(), "MIT License, ISC License (ISCL)");
  EXPECT_EQ(find_licence({"", "My own licence\n\nvery long text", {}}).str(), "My own licence");
  EXPECT_EQ(find_licence({"", "", {}}).str(), "unknown");
}

}  // namespace
}  // namespace axle
