#include "axle/object/object_facts.h"

#include <fcntl.h>

#include <random>

#include "base/fd.h"
#include "object/compile.h"
#include "object/images.h"

namespace axle {
namespace {

using test::elf_image;
using test::ElfShape;
using test::macho_image;
using test::MachoShape;
using test::pe_image;
using test::PeShape;
using test::Workshop;
using Kind = ObjectFacts::Kind;
using Strings = std::vector<std::string>;

ObjectFacts facts_of(const Workshop& shop, const std::string& name) {
  const Fd fd = open_file(AT_FDCWD, shop.at(name).string());
  const auto facts = read_object_file(fd.get(), name);
  EXPECT_TRUE(facts.has_value()) << name;
  return facts.value_or(ObjectFacts{});
}

TEST(ObjectFacts, of_a_compiled_library) {
  const Workshop shop;
  shop.compile("libdep.so", "int dep(void){return 1;}", "-shared -fPIC -Wl,-soname,libdep.so.3");
  shop.compile("lib.so", "#include <stdio.h>\nint dep(void); int f(void){return dep() + puts(\"\");}",
               "-shared -fPIC -Wl,-soname,libmine.so.1 -L. -Wl,-rpath,'$ORIGIN/../x:/y',--enable-new-dtags " +
                   shop.at("libdep.so").string());
  const ObjectFacts facts = facts_of(shop, "lib.so");
  EXPECT_EQ(facts.error, "");
  EXPECT_EQ(facts.format, ObjectFacts::Format::elf);
  EXPECT_EQ(facts.kind, Kind::shared_library);
  EXPECT_EQ(facts.bits, sizeof(void*) == 8 ? 64 : 32);
  EXPECT_EQ(facts.soname, "libmine.so.1");
  EXPECT_EQ(facts.needed, (Strings{"libdep.so.3", "libc.so.6"}));
  EXPECT_EQ(facts.runpath, "$ORIGIN/../x:/y");
  EXPECT_EQ(facts.rpath, std::nullopt);
  ASSERT_FALSE(facts.version_needs.empty());
  for (const std::string& need : facts.version_needs)
    EXPECT_TRUE(need.starts_with("libc.so.6:GLIBC_")) << need;
}

TEST(ObjectFacts, tells_programs_apart) {
  const Workshop shop;
  const std::string source = "int main(void){return 0;}";
  shop.compile("pie", source, "-pie -fPIE -Wl,-rpath,'$ORIGIN/lib',--disable-new-dtags");
  shop.compile("fixed", source, "-no-pie");
  shop.compile("static", source, "-static");
  shop.compile("static-pie", source, "-static-pie -fPIE");
  shop.compile("object.o", source, "-c");
  EXPECT_EQ(facts_of(shop, "pie").kind, Kind::executable);
  EXPECT_EQ(facts_of(shop, "pie").rpath, "$ORIGIN/lib");
  EXPECT_EQ(facts_of(shop, "pie").runpath, std::nullopt);
  EXPECT_NE(facts_of(shop, "pie").interpreter, "");
  EXPECT_EQ(facts_of(shop, "fixed").kind, Kind::executable);
  EXPECT_EQ(facts_of(shop, "static").kind, Kind::static_executable);
  EXPECT_EQ(facts_of(shop, "static").interpreter, "");
  EXPECT_EQ(facts_of(shop, "static-pie").kind, Kind::static_executable);
  EXPECT_EQ(facts_of(shop, "object.o").kind, Kind::other);
  for (const char* name : {"pie", "fixed", "static", "static-pie", "object.o"}) {
    EXPECT_EQ(facts_of(shop, name).error, "") << name;
  }
}

TEST(ObjectFacts, of_both_classes_and_byte_orders) {
  for (const bool is64 : {false, true}) {
    for (const bool big : {false, true}) {
      ElfShape shape;
      shape.is64 = is64;
      shape.big = big;
      shape.machine = 21;
      shape.needed = {"libc.so.6", "libm.so.6"};
      shape.soname = "libx.so";
      shape.rpath = "$ORIGIN";
      shape.version = "GLIBC_2.17";
      const auto facts = read_object(elf_image(shape));
      ASSERT_TRUE(facts);
      EXPECT_EQ(facts->error, "");
      EXPECT_EQ(facts->machine, big ? "ppc64" : "ppc64le");
      EXPECT_EQ(facts->bits, is64 ? 64 : 32);
      EXPECT_EQ(facts->big_endian, big);
      EXPECT_EQ(facts->needed, shape.needed);
      EXPECT_EQ(facts->soname, "libx.so");
      EXPECT_EQ(facts->rpath, "$ORIGIN");
      EXPECT_EQ(facts->version_needs, Strings{"libc.so.6:GLIBC_2.17"});
    }
  }
}

TEST(ObjectFacts, of_mach_o) {
  MachoShape shape;
  shape.id = "@rpath/libx.dylib";
  shape.needed = {"/usr/lib/libSystem.B.dylib", "@rpath/liby.dylib"};
  shape.weak_needed = {"/usr/lib/libmaybe.dylib"};
  shape.rpaths = {"@loader_path/../y", "/opt/z"};
  for (const bool is64 : {false, true}) {
    for (const bool big : {false, true}) {
      shape.is64 = is64;
      shape.big = big;
      const auto facts = read_object(macho_image(shape));
      ASSERT_TRUE(facts);
      EXPECT_EQ(facts->error, "");
      EXPECT_EQ(facts->format, ObjectFacts::Format::macho);
      EXPECT_EQ(facts->kind, Kind::shared_library);
      EXPECT_EQ(facts->machine, "arm64");
      EXPECT_EQ(facts->soname, shape.id);
      EXPECT_EQ(facts->needed, shape.needed);
      EXPECT_EQ(facts->weak_needed, shape.weak_needed);
      EXPECT_EQ(facts->rpaths, shape.rpaths);
      EXPECT_EQ(facts->minimum_os, "11.0");
      EXPECT_TRUE(facts->slices.empty());
    }
  }
}

TEST(ObjectFacts, of_fat_files_are_those_of_all_slices) {
  MachoShape arm, intel;
  arm.needed = {"/usr/lib/libSystem.B.dylib"};
  intel.cpu = 0x01000007;
  intel.needed = {"/usr/lib/libSystem.B.dylib", "@rpath/old.dylib"};
  const auto facts =
      read_object(test::fat_image({{intel.cpu, macho_image(intel)}, {arm.cpu, macho_image(arm)}}));
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->error, "");
  EXPECT_EQ(facts->machine, "x86_64");
  EXPECT_EQ(facts->slices, (Strings{"x86_64", "arm64"}));
  EXPECT_EQ(facts->needed, intel.needed);
}

TEST(ObjectFacts, of_pe) {
  PeShape shape;
  shape.name = "mine.pyd";
  shape.imports = {"KERNEL32.dll", "python312.dll", "kernel32.dll"};
  shape.delay_imports = {"nvcuda.dll"};
  for (const bool is64 : {false, true}) {
    shape.is64 = is64;
    const auto facts = read_object(pe_image(shape));
    ASSERT_TRUE(facts);
    EXPECT_EQ(facts->error, "");
    EXPECT_EQ(facts->format, ObjectFacts::Format::pe);
    EXPECT_EQ(facts->kind, Kind::shared_library);
    EXPECT_EQ(facts->bits, is64 ? 64 : 32);
    EXPECT_EQ(facts->soname, "mine.pyd");
    EXPECT_EQ(facts->needed, shape.imports);
    EXPECT_EQ(facts->delay_needed, shape.delay_imports);
  }
}

TEST(ObjectFacts, other_files_are_none) {
  for (const std::string& text :
       {std::string(), std::string("#!/bin/sh\n"), std::string("MZ is how this text begins"),
        std::string("\xca\xfe\xba\xbe\0\0\0\x34", 8),
        std::string("\x7f"
                    "EL"),
        std::string(4096, '\0')}) {
    EXPECT_FALSE(read_object(text).has_value()) << text;
  }
  EXPECT_TRUE(looks_like_object("MZ is how this text begins"));
  EXPECT_FALSE(looks_like_object(std::string_view("\xca\xfe\xba\xbe\0\0\0\x34", 8)));  // a Java class
}

TEST(ObjectFacts, damage_is_a_fact) {
  ElfShape shape;
  shape.needed = {"liba.so"};
  const std::string whole = elf_image(shape);
  const auto cut = read_object(std::string_view(whole).substr(0, whole.size() - 40));
  ASSERT_TRUE(cut);
  EXPECT_NE(cut->error, "");
  EXPECT_EQ(cut->machine, "x86_64");
  EXPECT_NE(read_object(std::string_view(whole).substr(0, 20))->error, "");

  MachoShape macho;
  macho.rpaths = {"@loader_path"};
  EXPECT_NE(read_object(std::string_view(macho_image(macho)).substr(0, 100))->error, "");
  PeShape pe;
  pe.imports = {"a.dll"};
  EXPECT_NE(read_object(std::string_view(pe_image(pe)).substr(0, 0x400))->error, "");
}

TEST(ObjectFacts, overlapping_segments_are_damage) {
  ElfShape shape;
  shape.needed = {"liba.so"};
  std::string image = elf_image(shape);
  // The dynamic segment's header becomes a second loadable segment at the same addresses.
  object::store32(image.data() + 64 + 56, 1, false);
  EXPECT_EQ(read_object(image)->error, "segments overlap or are not in order");
}

TEST(ObjectFacts, costs_few_reads_whatever_the_size) {
  ElfShape shape;
  shape.needed = {"liba.so", "libc.so.6"};
  shape.version = "GLIBC_2.17";
  const std::string image = elf_image(shape);
  std::size_t reads = 0;
  const ReadAt read = [&](std::uint64_t offset, char* into, std::size_t size) {
    ++reads;
    for (std::size_t i = 0; i < size; ++i) into[i] = offset + i < image.size() ? image[offset + i] : '\0';
    return true;
  };
  const auto facts = read_object(read, std::uint64_t{1} << 40);
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->error, "");
  EXPECT_EQ(facts->needed.size(), 2U);
  EXPECT_LE(reads, 6U);
}

// Every byte of each kind of image is spoilt in turn, and many at once: facts or none, and never more.
TEST(ObjectFacts, no_mutation_does_harm) {
  ElfShape elf, elf32;
  elf.needed = {"liba.so", "libc.so.6"};
  elf.version = "GLIBC_2.17";
  elf.runpath = "$ORIGIN";
  elf32 = elf;
  elf32.is64 = false;
  elf32.big = true;
  MachoShape macho;
  macho.id = "x";
  macho.needed = {"a", "b"};
  macho.rpaths = {"@loader_path"};
  PeShape pe;
  pe.name = "x.dll";
  pe.imports = {"a.dll"};
  pe.delay_imports = {"b.dll"};
  const std::string small = macho_image(macho).substr(0, 1024);
  const std::vector<std::string> images = {
      elf_image(elf), elf_image(elf32), macho_image(macho), small, test::fat_image({{7, small}, {12, small}}),
      pe_image(pe)};
  std::mt19937 random(6);
  for (const std::string& image : images) {
    for (std::size_t at = 0; at < std::min<std::size_t>(image.size(), 2048); ++at) {
      for (const unsigned value : {0x00U, 0x7fU, 0x80U, 0xffU}) {
        std::string spoilt = image;
        spoilt[at] = static_cast<char>(value);
        const auto facts = read_object(spoilt);
        EXPECT_TRUE(!facts || facts->needed.size() <= 65536U);
      }
    }
    for (int i = 0; i < 2000; ++i) {
      std::string spoilt = image;
      for (int k = 0; k < 8; ++k)
        spoilt[random() % std::min<std::size_t>(image.size(), 1024)] = static_cast<char>(random());
      read_object(spoilt);
    }
  }
}

}  // namespace
}  // namespace axle
