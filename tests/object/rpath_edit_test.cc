#include "axle/object/rpath_edit.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <random>

#include "axle/base/error.h"
#include "base/fd.h"
#include "object/compile.h"
#include "object/images.h"

namespace axle {
namespace {

using test::elf_image;
using test::ElfShape;
using test::has_program;
using test::macho_image;
using test::MachoShape;
using test::Workshop;
using Strings = std::vector<std::string>;

std::optional<ErrorCode> code_of(const std::string& image, const RpathEdit& edit) {
  try {
    plan_rpath_edit(image, edit);
  } catch (const Error& error) {
    return error.code();
  }
  return std::nullopt;
}

RpathEdit set_to(Strings entries, RpathEdit::Tag tag = RpathEdit::Tag::keep) {
  RpathEdit edit;
  edit.entries = std::move(entries);
  edit.tag = tag;
  return edit;
}

// Edits the file `name` into `into`; gives the method.
std::string edit_file(const Workshop& shop, const std::string& name, const std::string& into,
                      const RpathEdit& edit) {
  const EditPlan plan = plan_rpath_edit(shop.read(name), edit);
  shop.write(into, "");
  const Fd from = open_file(AT_FDCWD, shop.at(name).string());
  const Fd to(open(shop.at(into).c_str(), O_RDWR));
  apply_edit(plan, from.get(), to.get(), into);
  fchmod(to.get(), 0755);
  EXPECT_EQ(shop.read(into), apply_edit(plan, shop.read(name)));
  return plan.method;
}

// In a process of its own, so that nothing is loaded already. -1: it does not load.
int call_f(const std::string& path) {
  const pid_t child = fork();
  if (child == 0) {
    void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) _exit(255);
    const auto f = reinterpret_cast<int (*)()>(dlsym(library, "f"));
    _exit(f == nullptr ? 254 : f());
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (!WIFEXITED(status)) return -2;
  return WEXITSTATUS(status) >= 254 ? -1 : WEXITSTATUS(status);
}

TEST(RpathEdit, lists) {
  EXPECT_EQ(add_rpaths({"a", "b"}, {"b", "c"}), (Strings{"a", "b", "c"}));
  EXPECT_EQ(remove_rpaths({"a", "b", "a"}, {"a"}), Strings{"b"});
  ElfShape shape;
  shape.needed = {"liba.so", "libb.so", "libc.so.6"};
  shape.rpath = "/ignored";
  shape.runpath = "$ORIGIN/../a:/none:${ORIGIN}/b:$LIB/x";
  const auto facts = read_object(elf_image(shape));
  EXPECT_EQ(rpath_entries(*facts), (Strings{"$ORIGIN/../a", "/none", "${ORIGIN}/b", "$LIB/x"}));
  const auto exists = [](const std::string& path) {
    return path == "/o/../a/liba.so" || path == "/o/b/libb.so";
  };
  EXPECT_EQ(shrink_rpaths(*facts, "/o", exists), (Strings{"$ORIGIN/../a", "${ORIGIN}/b", "$LIB/x"}));
}

TEST(RpathEdit, same_list_changes_nothing) {
  ElfShape shape;
  shape.runpath = "$ORIGIN/a";
  const EditPlan plan = plan_rpath_edit(elf_image(shape), set_to({"$ORIGIN/a"}));
  EXPECT_EQ(plan.method, "none");
  EXPECT_TRUE(plan.patches.empty());
}

TEST(RpathEdit, keeps_the_tag_unless_asked) {
  ElfShape shape;
  shape.rpath = "$ORIGIN/some/where";
  const std::string image = elf_image(shape);
  const auto after = [&](const RpathEdit& edit) {
    return *read_object(apply_edit(plan_rpath_edit(image, edit), image));
  };
  EXPECT_EQ(after(set_to({"$ORIGIN"})).rpath, "$ORIGIN");
  EXPECT_EQ(after(set_to({"$ORIGIN"})).runpath, std::nullopt);
  EXPECT_EQ(after(set_to({"$ORIGIN"}, RpathEdit::Tag::runpath)).runpath, "$ORIGIN");
  EXPECT_EQ(after(set_to({"$ORIGIN"}, RpathEdit::Tag::runpath)).rpath, std::nullopt);
  EXPECT_EQ(after(set_to({"$ORIGIN/some/where"}, RpathEdit::Tag::runpath)).runpath, "$ORIGIN/some/where");
  shape.runpath = "$ORIGIN/other";
  const std::string both = elf_image(shape);
  const auto forced =
      *read_object(apply_edit(plan_rpath_edit(both, set_to({"$ORIGIN"}, RpathEdit::Tag::rpath)), both));
  EXPECT_EQ(forced.rpath, "$ORIGIN");
  EXPECT_EQ(forced.runpath, std::nullopt);
  const auto removed = *read_object(apply_edit(plan_rpath_edit(both, set_to({})), both));
  EXPECT_EQ(removed.runpath, std::nullopt);
  EXPECT_EQ(removed.rpath, std::nullopt);
}

TEST(RpathEdit, shared_strings_are_not_overwritten) {
  ElfShape shape;
  shape.needed = {"libs.so"};
  shape.runpath = "/opt/libs.so";
  std::string image = elf_image(shape);
  // As a linker that shares tails would: the need points into the path.
  const std::size_t path = image.find("/opt/libs.so");
  const std::size_t strings = image.find("libs.so") - 1;
  const std::size_t entry = image.rfind(test::Bytes(false).u64(1).u64(1).text);
  ASSERT_NE(entry, std::string::npos);
  object::store64(image.data() + entry + 8, path + 5 - strings, false);
  ASSERT_EQ(read_object(image)->needed, Strings{"libs.so"});
  // The only way that is left needs a program header, which this image has no means to give.
  EXPECT_EQ(code_of(image, set_to({"$ORIGIN/a"})), ErrorCode::unsupported);
  // A string that is there already may be pointed to.
  const EditPlan plan = plan_rpath_edit(image, set_to({"libs.so"}));
  EXPECT_EQ(plan.method, "tail of another string");
  EXPECT_EQ(read_object(apply_edit(plan, image))->needed, Strings{"libs.so"});
}

TEST(RpathEdit, works_for_both_classes_and_byte_orders) {
  for (const bool is64 : {false, true}) {
    for (const bool big : {false, true}) {
      ElfShape shape;
      shape.is64 = is64;
      shape.big = big;
      shape.machine = is64 ? 21 : 20;
      shape.needed = {"liba.so"};
      shape.with_note = true;
      const std::string image = elf_image(shape);
      const EditPlan plan = plan_rpath_edit(image, set_to({"$ORIGIN/../a/long/way/to/go", "$ORIGIN"}));
      EXPECT_EQ(plan.method, "note given up");
      const std::string edited = apply_edit(plan, image);
      EXPECT_EQ(read_object(edited)->runpath, "$ORIGIN/../a/long/way/to/go:$ORIGIN");
      // Once more: the table now ends the file.
      const EditPlan again =
          plan_rpath_edit(edited, set_to({"$ORIGIN/../a/long/way/to/go", "$ORIGIN", "$ORIGIN/more"}));
      EXPECT_EQ(again.method, "string table grown");
      EXPECT_EQ(read_object(apply_edit(again, edited))->error, "");
    }
  }
}

TEST(RpathEdit, refuses_with_a_reason) {
  ElfShape shape;
  shape.with_note = true;
  EXPECT_EQ(code_of(elf_image(shape), set_to({"a:b"})), ErrorCode::bad_input);
  EXPECT_EQ(code_of(elf_image(shape), set_to({std::string("a\0b", 3)})), ErrorCode::bad_input);
  EXPECT_EQ(code_of("no object at all", set_to({"a"})), ErrorCode::unsupported);
  EXPECT_EQ(code_of(test::pe_image({}), set_to({"a"})), ErrorCode::unsupported);
  EXPECT_EQ(code_of(elf_image(shape).substr(0, 200), set_to({"a"})), ErrorCode::unsupported);
  shape.spare_slots = 0;
  EXPECT_EQ(code_of(elf_image(shape), set_to({"$ORIGIN"})), ErrorCode::unsupported);
  shape.spare_slots = 2;
  shape.machine = 8;  // MIPS: no page size is known for it
  EXPECT_EQ(code_of(elf_image(shape), set_to({"$ORIGIN"})), ErrorCode::unsupported);
}

struct Linking {
  const char* name;
  const char* options;
  const char* program;  // must be there; "" for none
};

// The new path is the only way by which the dependency can be found.
TEST(RpathEdit, edited_libraries_load) {
  const Workshop shop;
  shop.compile("far/away/libdep.so", "int dep(void){return 41;}", "-shared -fPIC -Wl,-soname,libdep.so");
  const std::string source =
      "int dep(void); static __thread int t = 1; int data[64] = {1};\n"
      "int f(void){return dep() + t;} int *g(void){return data;}\n";
  const std::string common = " -shared -fPIC -g " + shop.at("far/away/libdep.so").string();
  const Linking linkings[] = {
      {"plain", "", ""},
      {"stripped", "-s", ""},
      {"rpath", "-Wl,-rpath,/x,--disable-new-dtags", ""},
      {"runpath", "-Wl,-rpath,/a/rather/long/path/that/leaves/room/for/others,--enable-new-dtags", ""},
      {"sysv-hash", "-Wl,--hash-style=sysv", ""},
      {"both-hashes", "-Wl,--hash-style=both", ""},
      {"no-build-id", "-Wl,--build-id=none", ""},
      {"now", "-Wl,-z,relro,-z,now", ""},
      {"norelro", "-Wl,-z,norelro", ""},
      {"no-separate-code", "-Wl,-z,noseparate-code", ""},
      {"64k", "-Wl,-z,max-page-size=65536", ""},
      {"2m", "-Wl,-z,max-page-size=2097152", ""},
      {"cet", "-fcf-protection=full", ""},
      {"no-note-no-id", "-fcf-protection=none -Wl,--build-id=none", ""},
      {"gold", "-fuse-ld=gold", "ld.gold"},
      {"lld", "-fuse-ld=lld", "ld.lld"},
      {"lld-stripped", "-fuse-ld=lld -s", "ld.lld"},
      {"lld-now", "-fuse-ld=lld -Wl,-z,now", "ld.lld"},
  };
  const Strings lists[] = {{"$ORIGIN/far/away"},
                           {"$ORIGIN/far/away", "/x/" + std::string(300, 'y')},
                           {"/x/" + std::string(5000, 'y'), "$ORIGIN/far/away"}};
  for (const Linking& linking : linkings) {
    if (*linking.program != '\0' && !has_program(linking.program)) continue;
    const std::string name = std::string("lib") + linking.name + ".so";
    if (!shop.try_compile(name, source, linking.options + common)) continue;  // an option of other machines
    ASSERT_EQ(call_f(shop.at(name).string()), -1) << name;
    const ObjectFacts before = *read_object(shop.read(name));
    for (const Strings& list : lists) {
      const std::string edited = "edited-" + name;
      const std::string method = edit_file(shop, name, edited, set_to(list));
      EXPECT_EQ(call_f(shop.at(edited).string()), 42) << name << ": " << method;
      const ObjectFacts after = *read_object(shop.read(edited));
      EXPECT_EQ(rpath_entries(after), list);
      EXPECT_EQ(after.rpath.has_value(), before.rpath.has_value());
      // Tools still understand it, and what they make of it still loads.
      for (const char* tool : {"strip", "eu-strip", "llvm-strip"}) {
        if (!has_program(tool) || &list != &lists[1]) continue;
        const std::string with_tool = std::string(tool) + " -o tool-out.so ";
        if (shop.run(with_tool + name).status != 0) continue;
        EXPECT_EQ(shop.run(with_tool + edited).status, 0) << tool << " " << name << ": " << method;
        shop.run("mv tool-out.so tool-" + edited);
        EXPECT_EQ(call_f(shop.at("tool-" + edited).string()), 42) << tool << " " << name << ": " << method;
      }
      const auto listed = shop.run("readelf -dW " + edited);
      EXPECT_NE(listed.output.find(list.front()), std::string::npos) << name;
      EXPECT_EQ(listed.output.find("arning"), std::string::npos) << listed.output;
      if (has_program("patchelf")) {
        EXPECT_NE(shop.run("patchelf --print-rpath " + edited).output.find(list.front()), std::string::npos)
            << name;
      }
      if (has_program("eu-elflint")) {
        const std::string lint = "eu-elflint --gnu-ld ";
        const std::string was = shop.run(lint + name + " | grep -c .").output;
        EXPECT_EQ(shop.run(lint + edited + " | grep -c .").output, was)
            << name << ": " << method << ": " << shop.run(lint + edited).output;
      }
      // And back again: what was added can be shortened and removed.
      edit_file(shop, edited, "back.so", set_to({"$ORIGIN/far/away"}));
      EXPECT_EQ(call_f(shop.at("back.so").string()), 42) << name;
      edit_file(shop, edited, "removed.so", set_to({}));
      EXPECT_TRUE(rpath_entries(*read_object(shop.read("removed.so"))).empty());
      EXPECT_EQ(call_f(shop.at("removed.so").string()), -1) << name;
    }
  }
}

// A note that is not the linker's may be known to code by its address, and programs may look for it: Qt's
// plugins have their metadata in one.
TEST(RpathEdit, foreign_notes_stay_where_they_are) {
  const Workshop shop;
  const std::string source =
      "__attribute__((section(\".note.mine\"), used, aligned(4))) static const struct "
      "{int name_size, size, type; char name[8]; int value;} note = {8, 4, 1, \"project\", 42};\n"
      "int f(void){return note.value;}";
  for (const char* options : {"", "-Wl,--build-id=none", "-fcf-protection=full"}) {
    if (!shop.try_compile("lib.so", source, std::string("-shared -fPIC ") + options)) continue;
    EditPlan plan;
    try {
      plan = plan_rpath_edit(shop.read("lib.so"), set_to({"$ORIGIN", std::string(200, 'x')}));
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::unsupported);
      continue;
    }
    shop.write("edited.so", apply_edit(plan, shop.read("lib.so")));
    EXPECT_EQ(call_f(shop.at("edited.so").string()), 42) << options << ": " << plan.method;
    EXPECT_NE(shop.run("readelf -lW edited.so").output.find("NOTE"), std::string::npos) << plan.method;
    EXPECT_NE(shop.run("readelf -nW edited.so").output.find("project"), std::string::npos) << plan.method;
  }
}

TEST(RpathEdit, edited_programs_run) {
  const Workshop shop;
  shop.compile("lib/libdep.so", "int dep(void){return 42;}", "-shared -fPIC -Wl,-soname,libdep.so");
  for (const char* options : {"-pie -fPIE", "-no-pie", "-no-pie -s", "-pie -fPIE -Wl,--build-id=none"}) {
    shop.compile("bin/program",
                 "int dep(void); int zero[100000]; int main(void){return dep() + zero[99999];}",
                 std::string(options) + " " + shop.at("lib/libdep.so").string());
    EXPECT_EQ(shop.run("bin/program").status, 127);
    const std::string method =
        edit_file(shop, "bin/program", "bin/edited", set_to({"$ORIGIN/../lib", std::string(400, 'z')}));
    EXPECT_EQ(shop.run("bin/edited").status, 42) << options << ": " << method;
  }
}

TEST(RpathEdit, static_programs_are_left_alone) {
  const Workshop shop;
  shop.compile("program", "int main(void){return 0;}", "-static");
  EXPECT_EQ(code_of(shop.read("program"), set_to({"$ORIGIN"})), ErrorCode::unsupported);
}

TEST(RpathEdit, musl_takes_it_too) {
  const Workshop shop;
  if (!has_program("musl-gcc")) return;
  ASSERT_TRUE(shop.try_compile("lib/libdep.so", "int dep(void){return 42;}",
                               "-shared -fPIC -Wl,-soname,libdep.so", "musl-gcc"));
  ASSERT_TRUE(shop.try_compile("bin/program", "int dep(void); int main(void){return dep();}",
                               shop.at("lib/libdep.so").string(), "musl-gcc"));
  EXPECT_NE(shop.run("bin/program").status, 42);
  edit_file(shop, "bin/program", "bin/edited", set_to({"$ORIGIN/../lib", std::string(200, 'z')}));
  EXPECT_EQ(shop.run("bin/edited").status, 42);
}

TEST(RpathEdit, mach_o_within_the_header) {
  MachoShape shape;
  shape.id = "@rpath/libx.dylib";
  shape.needed = {"/usr/lib/libSystem.B.dylib", "@rpath/liby.dylib"};
  shape.rpaths = {"@loader_path/old"};
  for (const bool is64 : {false, true}) {
    shape.is64 = is64;
    const std::string image = macho_image(shape);
    RpathEdit edit = set_to({"@loader_path/../y/lib", "@loader_path"});
    edit.install_name = "@rpath/a-longer-name-than-before.dylib";
    edit.needed = {{"@rpath/liby.dylib", "@loader_path/../y/lib/liby.dylib"}};
    const EditPlan plan = plan_rpath_edit(image, edit);
    EXPECT_EQ(plan.size, image.size());
    const auto facts = read_object(apply_edit(plan, image));
    ASSERT_TRUE(facts);
    EXPECT_EQ(facts->error, "");
    EXPECT_EQ(facts->rpaths, edit.entries);
    EXPECT_EQ(facts->soname, *edit.install_name);
    EXPECT_EQ(facts->needed, (Strings{"/usr/lib/libSystem.B.dylib", "@loader_path/../y/lib/liby.dylib"}));
    EXPECT_TRUE(read_object(apply_edit(plan_rpath_edit(image, set_to({})), image))->rpaths.empty());
  }
}

TEST(RpathEdit, mach_o_without_room_is_refused) {
  MachoShape shape;
  shape.padding = 32;
  const std::string image = macho_image(shape);
  EXPECT_EQ(code_of(image, set_to({"@loader_path/" + std::string(100, 'x')})), ErrorCode::unsupported);
  EXPECT_EQ(code_of(image, set_to({"@loader_path"})), std::nullopt);
}

TEST(RpathEdit, mach_o_is_signed_again) {
  MachoShape shape;
  shape.padding = 8192;  // so that the load commands can reach into another page
  shape.signature = MachoShape::Signature::ad_hoc;
  const std::string image = macho_image(shape);
  Strings many;
  for (int i = 0; i < 60; ++i) many.push_back("@loader_path/" + std::string(80, 'x') + std::to_string(i));
  for (const Strings& list : {Strings{"@loader_path/../y"}, many}) {
    const std::string edited = apply_edit(plan_rpath_edit(image, set_to(list)), image);
    ASSERT_EQ(edited.size(), image.size());
    // The hashes in the signature are those of the pages before it.
    const std::size_t signature = edited.find("\xfa\xde\x0c\xc0");
    ASSERT_NE(signature, std::string::npos);
    const std::size_t hashes = signature + 28 + 48;
    for (std::size_t page = 0; page * 4096 < signature; ++page) {
      const Sha256 digest =
          Sha256::of(edited.substr(page * 4096, std::min<std::size_t>(4096, signature - page * 4096)));
      EXPECT_EQ(edited.substr(hashes + page * 32, 32),
                std::string(reinterpret_cast<const char*>(digest.bytes.data()), 32))
          << page;
    }
  }
  shape.signature = MachoShape::Signature::vendor;
  EXPECT_EQ(code_of(macho_image(shape), set_to({"@loader_path"})), ErrorCode::unsupported);
}

TEST(RpathEdit, fat_mach_o_is_edited_in_every_slice) {
  MachoShape arm, intel;
  arm.signature = MachoShape::Signature::ad_hoc;
  intel.cpu = 0x01000007;
  const std::string fat = test::fat_image({{intel.cpu, macho_image(intel)}, {arm.cpu, macho_image(arm)}});
  const std::string edited = apply_edit(plan_rpath_edit(fat, set_to({"@loader_path/../z"})), fat);
  std::size_t count = 0;
  for (std::size_t at = edited.find("@loader_path/../z"); at != std::string::npos;
       at = edited.find("@loader_path/../z", at + 1)) {
    ++count;
  }
  EXPECT_EQ(count, 2U);
}

// Whatever is planned for a spoilt object, it is planned without harm. With AXLE_TEST_FULL for 100,000 of
// them.
TEST(RpathEdit, no_mutation_does_harm) {
  const Workshop shop;
  shop.compile("lib.so", "int f(void){return 1;}", "-shared -fPIC -Wl,-rpath,/x,--enable-new-dtags");
  MachoShape macho;
  macho.rpaths = {"@loader_path"};
  macho.signature = MachoShape::Signature::ad_hoc;
  std::mt19937 random(7);
  const int rounds = std::getenv("AXLE_TEST_FULL") != nullptr ? 50000 : 3000;
  for (const std::string& image : {shop.read("lib.so"), macho_image(macho)}) {
    for (int i = 0; i < rounds; ++i) {
      std::string spoilt = image;
      for (int k = 0; k < 4; ++k) {
        const std::size_t range = random() % 2 == 0 ? 1024 : image.size();
        spoilt[random() % std::min(range, image.size())] = static_cast<char>(random());
      }
      try {
        const EditPlan plan = plan_rpath_edit(spoilt, set_to({"$ORIGIN/a/path/that/needs/room"}));
        ASSERT_LT(plan.size, image.size() * 4);
        const auto facts = read_object(apply_edit(plan, spoilt));
        ASSERT_TRUE(facts && facts->error.empty());
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::unsupported);
      }
    }
  }
}

}  // namespace
}  // namespace axle
