#include "axle/object/link_doctor.h"

#include <dlfcn.h>
#include <fcntl.h>

#include <algorithm>
#include <deque>

#include "axle/object/rpath_edit.h"
#include "base/fd.h"
#include "object/compile.h"

namespace axle {
namespace {

using test::Workshop;
using Kind = LinkVerdict::Kind;
using Strings = std::vector<std::string>;

// A tree made by hand; facts stay where they are while it grows.
class Tree {
 public:
  ObjectFacts& add(const std::string& path, const std::string& distribution, Strings needed = {},
                   std::optional<std::string> runpath = {}) {
    ObjectFacts& facts = facts_.emplace_back();
    facts.kind = ObjectFacts::Kind::shared_library;
    facts.machine = "x86_64";
    facts.bits = 64;
    facts.soname = path.substr(path.rfind('/') + 1);
    facts.needed = std::move(needed);
    facts.runpath = std::move(runpath);
    tree.objects.push_back({path, distribution, &facts});
    return facts;
  }
  ObjectFacts& add_as(ObjectFacts::Format format, const std::string& path, const std::string& distribution,
                      Strings needed = {}) {
    ObjectFacts& facts = add(path, distribution, std::move(needed));
    facts.format = format;
    return facts;
  }

  LinkReport report() const { return find_links(tree, policy); }
  LinkVerdict verdict(const std::string& path, const std::string& name) const {
    for (const LinkVerdict& verdict : report().verdicts) {
      if (tree.objects[verdict.object].path == path && verdict.name == name) return verdict;
    }
    ADD_FAILURE() << "no verdict on " << path << " and " << name;
    return {};
  }
  Kind kind(const std::string& path, const std::string& name) const { return verdict(path, name).kind; }

  LinkTree tree;
  LinkPolicy policy{.loader = LinkPolicy::Loader::glibc, .machine = "x86_64", .bits = 64};

 private:
  std::deque<ObjectFacts> facts_;
};

TEST(LinkDoctor, finds_by_runpath_beside_and_across) {
  Tree t;
  t.add("a/x.so", "a", {"libb.so", "libown.so"}, "$ORIGIN/../b/lib:${ORIGIN}/../a.libs");
  t.add("b/lib/libb.so", "b");
  t.add("a.libs/libown.so", "a");
  EXPECT_EQ(t.kind("a/x.so", "libb.so"), Kind::found);
  EXPECT_EQ(t.verdict("a/x.so", "libb.so").by, "$ORIGIN/../b/lib");
  EXPECT_EQ(t.verdict("a/x.so", "libb.so").provider, 1U);
  EXPECT_EQ(t.kind("a/x.so", "libown.so"), Kind::found);
  EXPECT_TRUE(render_links(t.tree, t.report()).empty());
}

TEST(LinkDoctor, runpath_is_not_inherited_and_rpath_is) {
  Tree t;
  t.add("x.so", "a", {"liba.so"}, "$ORIGIN/lib:$ORIGIN/deep");
  t.add("lib/liba.so", "a", {"libdeep.so"});
  t.add("deep/libdeep.so", "a");
  EXPECT_EQ(t.kind("lib/liba.so", "libdeep.so"), Kind::out_of_reach);
  EXPECT_EQ(t.verdict("lib/liba.so", "libdeep.so").fix, "$ORIGIN/../deep");

  Tree inherits;
  ObjectFacts& root = inherits.add("x.so", "a", {"liba.so"});
  root.rpath = "$ORIGIN/lib:$ORIGIN/deep";
  inherits.add("lib/liba.so", "a", {"libdeep.so"});
  inherits.add("deep/libdeep.so", "a");
  EXPECT_EQ(inherits.kind("lib/liba.so", "libdeep.so"), Kind::inherited);
  EXPECT_EQ(inherits.verdict("lib/liba.so", "libdeep.so").chain, (std::vector<std::size_t>{0, 1}));
  // An extension module is opened by Python itself, and its own list counts.
  inherits.add("lib/m.cpython-312-x86_64-linux-gnu.so", "a", {"libdeep.so"});
  root.needed.push_back("m.cpython-312-x86_64-linux-gnu.so");
  EXPECT_EQ(inherits.kind("lib/m.cpython-312-x86_64-linux-gnu.so", "libdeep.so"), Kind::out_of_reach);

  // A list of its own, even an empty one, ends what it inherits.
  Tree ended;
  ended.add("x.so", "a", {"liba.so"}).rpath = "$ORIGIN/lib:$ORIGIN/deep";
  ended.add("lib/liba.so", "a", {"libdeep.so"}, "$ORIGIN");
  ended.add("deep/libdeep.so", "a");
  EXPECT_EQ(ended.kind("lib/liba.so", "libdeep.so"), Kind::out_of_reach);
  ended.policy.loader = LinkPolicy::Loader::musl;
  EXPECT_EQ(ended.kind("lib/liba.so", "libdeep.so"), Kind::inherited);
}

TEST(LinkDoctor, runpath_hides_the_rpath_beside_it) {
  Tree t;
  t.add("x.so", "a", {"liba.so"}, "$ORIGIN/none").rpath = "$ORIGIN/lib";
  t.add("lib/liba.so", "a");
  EXPECT_EQ(t.kind("x.so", "liba.so"), Kind::out_of_reach);
}

TEST(LinkDoctor, what_is_loaded_is_known_by_its_soname) {
  Tree t;
  t.add("x.so", "a", {"libfirst-1234.so", "libsecond.so"}, "$ORIGIN/lib");
  t.add("lib/libfirst-1234.so", "a").soname = "libfirst.so.1";
  t.add("lib/libsecond.so", "a", {"libfirst.so.1"});
  // Alone it is not found, as part of x.so it is; no search goes by a soname.
  const LinkVerdict verdict = t.verdict("lib/libsecond.so", "libfirst.so.1");
  EXPECT_EQ(verdict.kind, Kind::inherited);
  EXPECT_EQ(verdict.by, "already loaded");
  t.policy.loader = LinkPolicy::Loader::musl;
  EXPECT_EQ(t.kind("lib/libsecond.so", "libfirst.so.1"), Kind::out_of_reach);
}

TEST(LinkDoctor, what_a_required_distribution_has_may_be_loaded_first) {
  Tree t;
  t.add("vision/_C.so", "vision", {"libtorch.so"});
  t.add("torch/lib/libtorch.so", "torch");
  EXPECT_EQ(t.kind("vision/_C.so", "libtorch.so"), Kind::out_of_reach);
  t.tree.requires_edges = {{"vision", "between"}, {"between", "torch"}, {"torch", "vision"}};
  const LinkVerdict verdict = t.verdict("vision/_C.so", "libtorch.so");
  EXPECT_EQ(verdict.kind, Kind::preloaded);
  EXPECT_EQ(verdict.fix, "$ORIGIN/../torch/lib");
  EXPECT_EQ(severity_of(verdict.kind), Severity::warning);
}

TEST(LinkDoctor, repairs_what_is_out_of_reach) {
  Tree t;
  t.add("nvidia/cusolver/lib/libcusolver.so.12", "nvidia-cusolver", {"libcublas.so.12", "libbeside.so"});
  t.add("nvidia/cublas/lib/libcublas.so.12", "nvidia-cublas");
  t.add("nvidia/cusolver/lib/libbeside.so", "nvidia-cusolver");
  const LinkReport report = t.report();
  const auto repaired = find_repaired_rpaths(t.tree, report, 0);
  ASSERT_TRUE(repaired);
  EXPECT_EQ(*repaired, (Strings{"$ORIGIN/../../cublas/lib", "$ORIGIN"}));
  EXPECT_FALSE(find_repaired_rpaths(t.tree, report, 1));
  // With the list it has all that it needs.
  const_cast<ObjectFacts*>(t.tree.objects[0].facts)->runpath = "$ORIGIN/../../cublas/lib:$ORIGIN";
  for (const LinkVerdict& verdict : t.report().verdicts) EXPECT_EQ(verdict.kind, Kind::found);
}

TEST(LinkDoctor, two_providers_are_no_answer) {
  Tree t;
  t.add("a/x.so", "a", {"libz9.so"});
  t.add("b/libz9.so", "b");
  t.add("c/libz9.so", "c");
  EXPECT_EQ(t.kind("a/x.so", "libz9.so"), Kind::out_of_reach);
  EXPECT_EQ(t.verdict("a/x.so", "libz9.so").fix, "");
  EXPECT_FALSE(find_repaired_rpaths(t.tree, t.report(), 0));
}

TEST(LinkDoctor, names_what_comes_from_elsewhere) {
  Tree t;
  t.add("x.so", "a",
        {"libc.so.6", "libstdc++.so.6", "libGL.so.1", "libcuda.so.1", "libnowhere.so.7",
         "libpython3.12.so.1.0"});
  EXPECT_EQ(t.kind("x.so", "libc.so.6"), Kind::system);
  EXPECT_EQ(t.kind("x.so", "libstdc++.so.6"), Kind::system);
  EXPECT_EQ(t.kind("x.so", "libGL.so.1"), Kind::expected);
  EXPECT_EQ(t.verdict("x.so", "libGL.so.1").package, "Debian libgl1, RPM libglvnd-glx");
  EXPECT_EQ(t.kind("x.so", "libcuda.so.1"), Kind::driver);
  EXPECT_EQ(t.kind("x.so", "libnowhere.so.7"), Kind::not_found);
  EXPECT_EQ(t.kind("x.so", "libpython3.12.so.1.0"), Kind::interpreter);
  t.policy.program_libraries = {"libc.so.6"};
  EXPECT_EQ(t.kind("x.so", "libc.so.6"), Kind::interpreter);
  EXPECT_EQ(t.kind("x.so", "libpython3.12.so.1.0"), Kind::not_found);
  t.policy.system_libraries = Strings{"libGL.so.1", "libnowhere.so.7"};
  EXPECT_EQ(t.kind("x.so", "libGL.so.1"), Kind::system);
  EXPECT_EQ(t.kind("x.so", "libnowhere.so.7"), Kind::system);
  EXPECT_EQ(t.kind("x.so", "libstdc++.so.6"), Kind::expected);
  EXPECT_EQ(t.kind("x.so", "libcuda.so.1"), Kind::driver);
}

TEST(LinkDoctor, the_wrong_libc_is_not_found) {
  Tree t;
  t.add("x.so", "a", {"libc.musl-x86_64.so.1"});
  EXPECT_EQ(t.kind("x.so", "libc.musl-x86_64.so.1"), Kind::not_found);
  EXPECT_EQ(t.verdict("x.so", "libc.musl-x86_64.so.1").by, "built for musl");
  t.policy.loader = LinkPolicy::Loader::musl;
  EXPECT_EQ(t.kind("x.so", "libc.musl-x86_64.so.1"), Kind::system);
}

TEST(LinkDoctor, compares_the_libc_version) {
  Tree t;
  t.add("x.so", "a", {"libc.so.6"}).version_needs = {"libc.so.6:GLIBC_2.4", "libm.so.6:GLIBC_2.29",
                                                     "libc.so.6:GLIBC_PRIVATE"};
  t.policy.libc_version = "2.28";
  EXPECT_EQ(t.verdict("x.so", "GLIBC_2.29").kind, Kind::libc_too_old);
  EXPECT_EQ(t.verdict("x.so", "GLIBC_2.29").by, "libm.so.6");
  t.policy.libc_version = "2.31";
  EXPECT_EQ(t.report().verdicts.size(), 1U);
}

TEST(LinkDoctor, passes_over_other_machines) {
  Tree t;
  t.add("x.so", "a", {"liba.so"}, "$ORIGIN/arm:$ORIGIN/intel");
  t.add("arm/liba.so", "a").machine = "aarch64";
  EXPECT_EQ(t.kind("x.so", "liba.so"), Kind::wrong_machine);
  EXPECT_EQ(t.report().foreign, std::vector<std::size_t>{1});
  t.add("intel/liba.so", "a");
  EXPECT_EQ(t.kind("x.so", "liba.so"), Kind::found);
  EXPECT_EQ(t.verdict("x.so", "liba.so").provider, 2U);
}

TEST(LinkDoctor, knows_suspicious_paths) {
  Tree t;
  t.add("x.so", "a", {}, "$ORIGIN::lib:/tmp/b:/home/ci/b:/opt/b");
  std::vector<SuspiciousPath::Kind> kinds;
  for (const SuspiciousPath& path : t.report().suspicious) kinds.push_back(path.kind);
  using S = SuspiciousPath::Kind;
  EXPECT_EQ(kinds, (std::vector<S>{S::empty, S::relative, S::world_writable, S::build_machine, S::absolute}));
  EXPECT_EQ(render_links(t.tree, t.report()).size(), 5U);
}

TEST(LinkDoctor, tokens_and_slashes) {
  Tree t;
  t.add("x.so", "a", {"liba.so", "$ORIGIN/direct/libd.so"}, "$ORIGIN/$LIB:$ORIGINAL/none");
  t.add("lib64/liba.so", "a");
  t.add("direct/libd.so", "a");
  EXPECT_EQ(t.kind("x.so", "liba.so"), Kind::found);
  EXPECT_EQ(t.kind("x.so", "$ORIGIN/direct/libd.so"), Kind::found);
  // musl gives up a list that has any other token.
  t.policy.loader = LinkPolicy::Loader::musl;
  const_cast<ObjectFacts*>(t.tree.objects[0].facts)->runpath = "$ORIGIN/lib64:$ORIGIN/$LIB";
  EXPECT_EQ(t.kind("x.so", "liba.so"), Kind::out_of_reach);
}

TEST(LinkDoctor, links_to_directories_break_what_goes_up_from_them) {
  Tree t;
  t.add("site/a/lib/x.so", "a", {"libb.so", "libown.so"}, "$ORIGIN/../../b/lib:$ORIGIN/../own");
  t.add("site/a/own/libown.so", "a");
  t.add("site/b/lib/libb.so", "b");
  EXPECT_EQ(find_crossing_directories(t.tree, t.policy), (Strings{"site/a", "site/a/lib"}));
  EXPECT_EQ(t.kind("site/a/lib/x.so", "libb.so"), Kind::found);

  t.tree.links = {{"site/a", "/store/1/a"}, {"site/b", "/store/2/b"}};
  const LinkVerdict verdict = t.verdict("site/a/lib/x.so", "libb.so");
  EXPECT_EQ(verdict.kind, Kind::broken_by_link);
  EXPECT_EQ(verdict.crossed, Strings{"site/a"});
  EXPECT_EQ(t.kind("site/a/lib/x.so", "libown.so"), Kind::found);

  // Real directories with a linked file in them: the path by which it is opened counts.
  t.tree.links = {
      {"site/a/lib/x.so", "/store/1/a/lib/x.so"}, {"site/a/own", "/store/1/a/own"}, {"site/b", "/store/2/b"}};
  EXPECT_EQ(t.kind("site/a/lib/x.so", "libb.so"), Kind::found);
  EXPECT_EQ(t.kind("site/a/lib/x.so", "libown.so"), Kind::found);
}

TEST(LinkDoctor, dyld) {
  Tree t;
  t.policy.loader = LinkPolicy::Loader::dyld;
  t.policy.machine = "arm64";
  t.policy.libc_version = "12.0";
  const auto add = [&](const std::string& path, const std::string& id, Strings needed, Strings rpaths) {
    ObjectFacts& facts = t.add_as(ObjectFacts::Format::macho, path, path.substr(0, 1), std::move(needed));
    facts.machine = "arm64";
    facts.soname = id;
    facts.rpaths = std::move(rpaths);
  };
  add("a/x.so", "",
      {"@rpath/libb.dylib", "@loader_path/.dylibs/libo.dylib", "/usr/lib/libSystem.B.dylib",
       "@rpath/libq.dylib"},
      {"@loader_path/../b"});
  add("b/libb.dylib", "@rpath/libb.dylib", {"@rpath/libc.dylib"}, {});
  add("b/libc.dylib", "@rpath/libc.dylib", {}, {});
  add("a/.dylibs/libo.dylib", "/DLC/libo.dylib", {}, {});
  add("q/libq.dylib", "@rpath/libq.dylib", {}, {});
  EXPECT_EQ(t.kind("a/x.so", "@rpath/libb.dylib"), Kind::found);
  EXPECT_EQ(t.kind("a/x.so", "@loader_path/.dylibs/libo.dylib"), Kind::found);
  EXPECT_EQ(t.kind("a/x.so", "/usr/lib/libSystem.B.dylib"), Kind::system);
  EXPECT_EQ(t.kind("b/libb.dylib", "@rpath/libc.dylib"), Kind::inherited);
  EXPECT_EQ(t.kind("a/x.so", "@rpath/libq.dylib"), Kind::out_of_reach);
  EXPECT_EQ(t.verdict("a/x.so", "@rpath/libq.dylib").fix, "@loader_path/../q");
  const_cast<ObjectFacts*>(t.tree.objects[0].facts)->minimum_os = "13.0";
  EXPECT_EQ(t.kind("a/x.so", "macOS 13.0"), Kind::libc_too_old);
  // dyld goes by real paths: a linked file does not see its siblings.
  t.tree.links = {{"a/x.so", "/store/a/x.so"}};
  EXPECT_NE(t.kind("a/x.so", "@rpath/libb.dylib"), Kind::found);
}

TEST(LinkDoctor, windows) {
  Tree t;
  t.policy.loader = LinkPolicy::Loader::windows;
  const auto pe = ObjectFacts::Format::pe;
  t.add_as(pe, "a/_x.pyd", "a",
           {"KERNEL32.dll", "python312.dll", "Beside.DLL", "hashed-1.dll", "nvcuda.dll", "MSVCP140.dll",
            "api-ms-win-crt-heap-l1-1-0.dll", "other.dll", "gone.dll"});
  t.add_as(pe, "a/beside.dll", "a");
  t.add_as(pe, "a.libs/hashed-1.dll", "a");
  t.add_as(pe, "b/bin/other.dll", "b");
  EXPECT_EQ(t.kind("a/_x.pyd", "KERNEL32.dll"), Kind::system);
  EXPECT_EQ(t.kind("a/_x.pyd", "python312.dll"), Kind::interpreter);
  EXPECT_EQ(t.kind("a/_x.pyd", "Beside.DLL"), Kind::found);
  EXPECT_EQ(t.kind("a/_x.pyd", "hashed-1.dll"), Kind::preloaded);  // the package calls os.add_dll_directory
  EXPECT_EQ(t.kind("a/_x.pyd", "nvcuda.dll"), Kind::driver);
  EXPECT_EQ(t.kind("a/_x.pyd", "MSVCP140.dll"), Kind::expected);
  EXPECT_EQ(t.kind("a/_x.pyd", "api-ms-win-crt-heap-l1-1-0.dll"), Kind::system);
  EXPECT_EQ(t.kind("a/_x.pyd", "other.dll"), Kind::out_of_reach);
  EXPECT_EQ(t.verdict("a/_x.pyd", "other.dll").fix, "b/bin");
  EXPECT_EQ(t.kind("a/_x.pyd", "gone.dll"), Kind::not_found);
  t.policy.extra_dirs = {"b/bin"};
  EXPECT_EQ(t.kind("a/_x.pyd", "other.dll"), Kind::found);
}

TEST(LinkDoctor, circles_and_odd_links_end) {
  Tree t;
  t.add("a.so", "a", {"b.so"}, "$ORIGIN:$ORIGIN/../../../../../etc:$ORIGIN/loop");
  t.add("b.so", "a", {"a.so"}, "$ORIGIN/loop/../loop");
  t.tree.links = {{"loop", "loop"}, {"one", "two"}, {"two", "one"}, {"up", "../.."}};
  t.tree.requires_edges = {{"a", "a"}};
  EXPECT_EQ(t.kind("a.so", "b.so"), Kind::found);
  EXPECT_EQ(t.kind("b.so", "a.so"), Kind::inherited);
}

TEST(LinkDoctor, does_not_depend_on_the_order_of_links) {
  Tree t;
  t.add("s/a/x.so", "a", {"libb.so"}, "$ORIGIN/../b");
  t.add("s/b/libb.so", "b");
  t.tree.links = {{"s/a", "/1/a"}, {"s/b", "/2/b"}};
  const LinkReport one = t.report();
  std::reverse(t.tree.links.begin(), t.tree.links.end());
  EXPECT_EQ(one, t.report());
}

// What the doctor says of real libraries in every layout is what the loader does.
class RealTree {
 public:
  RealTree() {
    // liba of a -> libb of b (across) -> libc3 of c (across, by inherited RPATH only) ; a has one of its own.
    build("c/lib/libc3.so", "int c3(void){return 1;}", "-Wl,-soname,libc3.so");
    build("b/lib/libb.so", "int c3(void); int b(void){return c3();}",
          "-Wl,-soname,libb.so " + at("c/lib/libc3.so") +
              " -Wl,--enable-new-dtags,-rpath,'$ORIGIN/../../c/lib'");
    build("a/lib/libown.so", "int own(void){return 2;}", "-Wl,-soname,libown.so");
    build("a/sub/x.so", "int b(void); int own(void); int f(void){return b() + own();}",
          at("b/lib/libb.so") + " " + at("a/lib/libown.so") +
              " -Wl,--allow-shlib-undefined,--enable-new-dtags,-rpath,'$ORIGIN/../lib:$ORIGIN/../../b/lib'");
    build("d/y.so", "int b(void); int f(void){return b();}",
          at("b/lib/libb.so") + " -Wl,--allow-shlib-undefined");
    build("e/z.so", "int u(void); int b(void); int f(void){return b() + u();}",
          at("e/libuser.so") + " " + at("b/lib/libb.so") +
              " -Wl,--allow-shlib-undefined,--disable-new-dtags,-rpath,'$ORIGIN:$ORIGIN/../b/lib'",
          "int b(void); int u(void){return b();}", "e/libuser.so",
          "-Wl,-soname,libuser.so " + at("b/lib/libb.so") + " -Wl,--allow-shlib-undefined");
  }

  void build(const std::string& name, const std::string& source, const std::string& options,
             const std::string& first = {}, const std::string& first_name = {},
             const std::string& first_options = {}) {
    const auto compile = [&](const std::string& path, const std::string& text, const std::string& words) {
      shop_.compile("store/" + path.substr(0, 1) + "/" + path, text, "-shared -fPIC " + words);
      names_.push_back(path);
    };
    if (!first_name.empty()) compile(first_name, first, first_options);
    compile(name, source, options);
  }
  std::string at(const std::string& name) const {
    return shop_.at("store/" + name.substr(0, 1) + "/" + name).string();
  }

  // Lays the tree out as `layout`, and compares the doctor with dlopen for each object.
  void check(const std::string& layout) {
    namespace fs = std::filesystem;
    const fs::path site = shop_.at(layout);
    LinkTree tree;
    tree.root = site.string();
    std::deque<ObjectFacts> facts;
    for (const std::string& name : names_) {
      const std::string top = name.substr(0, 1);
      if (layout == "directories") {
        fs::create_directories(site);
        if (!fs::exists(fs::symlink_status(site / top))) {
          fs::create_directory_symlink(shop_.at("store/" + top + "/" + top), site / top);
          tree.links.push_back({top, shop_.at("store/" + top + "/" + top).string()});
        }
      } else {
        fs::create_directories((site / name).parent_path());
        if (layout == "copies") fs::copy_file(at(name), site / name);
        if (layout == "hardlinks") fs::create_hard_link(at(name), site / name);
        if (layout == "files") {
          fs::create_symlink(at(name), site / name);
          tree.links.push_back({name, at(name)});
        }
      }
      const Fd fd = open_file(AT_FDCWD, at(name));
      facts.push_back(*read_object_file(fd.get(), name));
      tree.objects.push_back({name, top, &facts.back()});
    }
    LinkPolicy policy;
    std::vector<bool> loads(names_.size(), true);
    const LinkReport report = find_links(tree, policy);
    // An object loads when its needs, and theirs in its own run, are met; the doctor's verdicts of a root are
    // isolated.
    std::vector<std::vector<std::size_t>> providers(names_.size());
    for (const LinkVerdict& verdict : report.verdicts) {
      const bool met = severity_of(verdict.kind) == Severity::note;
      if (!met) loads[verdict.object] = false;
      if (met && verdict.provider) providers[verdict.object].push_back(*verdict.provider);
    }
    for (std::size_t i = 0; i < names_.size(); ++i) {
      const bool really = dlopen_works((site / names_[i]).string());
      bool expected = loads[i];
      // What it loads must itself find its needs without help, save where RPATH of this root helps (z.so).
      for (const std::size_t provider : providers[i]) {
        if (names_[i] != "e/z.so") expected = expected && loads[provider];
      }
      EXPECT_EQ(really, expected) << layout << ": " << names_[i];
    }
  }

 private:
  static bool dlopen_works(const std::string& path) {
    const pid_t child = fork();
    if (child == 0) _exit(dlopen(path.c_str(), RTLD_NOW) == nullptr ? 1 : 0);
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }

  Workshop shop_;
  Strings names_;
};

TEST(LinkDoctor, agrees_with_the_loader) {
  RealTree tree;
  for (const char* layout : {"copies", "hardlinks", "files", "directories"}) tree.check(layout);
}

// A tree of the size of torch's closure: the work grows with the needs, not with their square.
TEST(LinkDoctor, manages_large_trees) {
  Tree t;
  constexpr int count = 1300;
  for (int i = 0; i < count; ++i) {
    Strings needed = {"libc.so.6"};
    for (int k = 1; k <= 5; ++k) {
      if (i + k * k < count) needed.push_back("lib" + std::to_string(i + k * k) + ".so");
    }
    const int top = i % 40;
    std::string runpath = "$ORIGIN";
    for (int k = 0; k < 40; k += 3) runpath += ":$ORIGIN/../../d" + std::to_string((top + k) % 40) + "/lib";
    t.add("d" + std::to_string(top) + "/lib/lib" + std::to_string(i) + ".so", "d" + std::to_string(top),
          needed, runpath);
  }
  const LinkReport report = t.report();
  EXPECT_GE(report.verdicts.size(), static_cast<std::size_t>(count) * 5);
  EXPECT_EQ(report.verdicts.front().kind, Kind::system);
}

}  // namespace
}  // namespace axle
