// The same facts by LIEF, where the machine has it. It is never part of the program: docs/native.md says why.

#ifdef AXLE_HAVE_LIEF

#include <LIEF/LIEF.hpp>
#include <algorithm>

#include "axle/object/object_facts.h"
#include "axle/object/rpath_edit.h"
#include "object/compile.h"
#include "object/images.h"

namespace axle {
namespace {

using test::Workshop;
using Strings = std::vector<std::string>;

// All that both tell of an ELF file.
void compare_elf(const std::string& path, const std::string& content) {
  const auto ours = read_object(content);
  ASSERT_TRUE(ours);
  ASSERT_EQ(ours->error, "");
  const auto theirs = LIEF::ELF::Parser::parse(path);
  Strings needed;
  std::string soname;
  std::optional<std::string> rpath, runpath;
  for (const LIEF::ELF::DynamicEntry& entry : theirs->dynamic_entries()) {
    if (const auto* library = dynamic_cast<const LIEF::ELF::DynamicEntryLibrary*>(&entry))
      needed.push_back(library->name());
    if (const auto* own = dynamic_cast<const LIEF::ELF::DynamicSharedObject*>(&entry)) soname = own->name();
    if (const auto* list = dynamic_cast<const LIEF::ELF::DynamicEntryRpath*>(&entry)) rpath = list->name();
    if (const auto* list = dynamic_cast<const LIEF::ELF::DynamicEntryRunPath*>(&entry))
      runpath = list->name();
  }
  EXPECT_EQ(ours->needed, needed) << path;
  EXPECT_EQ(ours->soname, soname) << path;
  EXPECT_EQ(ours->rpath, rpath) << path;
  EXPECT_EQ(ours->runpath, runpath) << path;
  EXPECT_EQ(ours->interpreter.empty(), !theirs->has_interpreter()) << path;
}

TEST(Lief, agrees_on_elf_before_and_after_an_edit) {
  const Workshop shop;
  shop.compile("libdep.so", "int dep(void){return 1;}", "-shared -fPIC -Wl,-soname,libdep.so.1");
  for (const char* options :
       {"", "-Wl,-rpath,/x,--disable-new-dtags", "-Wl,-rpath,/x,--enable-new-dtags", "-s"}) {
    shop.compile("lib.so", "int dep(void); int f(void){return dep();}",
                 "-shared -fPIC -Wl,-soname,libf.so " + shop.at("libdep.so").string() + " " + options);
    compare_elf(shop.at("lib.so").string(), shop.read("lib.so"));
    RpathEdit edit;
    edit.entries = {"$ORIGIN/../some/where/else", std::string(200, 'x')};
    const std::string edited = apply_edit(plan_rpath_edit(shop.read("lib.so"), edit), shop.read("lib.so"));
    compare_elf(shop.write("edited.so", edited), edited);
  }
}

TEST(Lief, agrees_on_mach_o) {
  const Workshop shop;
  test::MachoShape shape;
  shape.id = "@rpath/libx.dylib";
  shape.needed = {"/usr/lib/libSystem.B.dylib", "@rpath/liby.dylib"};
  shape.rpaths = {"@loader_path/../y", "/z"};
  const std::string path = shop.write("libx.dylib", test::macho_image(shape));
  const auto ours = read_object(test::macho_image(shape));
  const auto fat = LIEF::MachO::Parser::parse(path);
  ASSERT_EQ(fat->size(), 1U);
  Strings needed, rpaths;
  for (const LIEF::MachO::LoadCommand& command : fat->at(0).commands()) {
    if (const auto* list = dynamic_cast<const LIEF::MachO::RPathCommand*>(&command))
      rpaths.push_back(list->path());
    const auto* library = dynamic_cast<const LIEF::MachO::DylibCommand*>(&command);
    if (library != nullptr && library->command() == LIEF::MachO::LOAD_COMMAND_TYPES::LC_LOAD_DYLIB) {
      needed.push_back(library->name());
    }
  }
  EXPECT_EQ(ours->needed, needed);
  EXPECT_EQ(ours->rpaths, rpaths);
}

TEST(Lief, agrees_on_pe) {
  const Workshop shop;
  test::PeShape shape;
  shape.imports = {"KERNEL32.dll", "python312.dll"};
  const std::string path = shop.write("x.pyd", test::pe_image(shape));
  const auto theirs = LIEF::PE::Parser::parse(path);
  Strings needed;
  for (const LIEF::PE::Import& import : theirs->imports()) needed.push_back(import.name());
  EXPECT_EQ(read_object(test::pe_image(shape))->needed, needed);
}

}  // namespace
}  // namespace axle

#endif
