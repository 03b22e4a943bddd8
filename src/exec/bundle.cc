#include "exec/bundle.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <map>

#include "axle/base/error.h"
#include "axle/base/rel_path.h"
#include "axle/plan/flatten.h"
#include "base/fd.h"
#include "base/file.h"
#include "exec/entry_bytes.h"
#include "exec/lay.h"
#include "exec/machine_libraries.h"
#include "plan/patch_entries.h"

namespace axle {
namespace {

// Where the interpreter itself is when a launcher in bin starts it by the bundle's own loader.
constexpr std::string_view hidden_program_dir = "libexec";

std::string_view name_of(std::string_view path) { return path.substr(path.rfind('/') + 1); }

std::string store_file(const Plan& plan, const StoreFile& file, const Store& store) {
  const WheelFacts& facts = plan.dists[file.wheel].facts;
  return store.path() + "/" + Store::tree_path(facts.store_id()) + "/" +
         std::string(tree_prefix(facts.scheme_of(facts.file(file.file)))) + "/" + facts.path_of(file.file);
}

std::optional<ObjectFacts> read_object_at(const std::string& path) {
  const Fd file = open_file(AT_FDCWD, path);
  char magic[8];
  const ssize_t got = pread(file.get(), magic, sizeof magic, 0);
  if (got < 4 || !looks_like_object({magic, static_cast<std::size_t>(got)})) return std::nullopt;
  return read_object_file(file.get(), path);
}

EditPlan plan_edit(const std::string& path, const std::string& from, const std::vector<std::string>& rpaths) {
  const MappedFile content = MappedFile::open(AT_FDCWD, from);
  try {
    return plan_rpath_edit(content.bytes(), RpathEdit{rpaths});
  } catch (const Error& error) {
    throw error.within(path);
  }
}

class BundleMaker {
 public:
  BundleMaker(const BundleRequest& request, const Plan& plan, const Store& store)
      : request_(request), plan_(plan), store_(store), program_(program_name(request.interpreter)) {}

  Bundle make() {
    list_tree();
    list_wheel_objects();
    find_libraries();
    add_tree();
    add_plan();
    add_libraries();
    add_launchers();
    add_parents();
    for (auto& [path, member] : members_) bundle_.members.push_back(std::move(member));
    std::sort(bundle_.members.begin(), bundle_.members.end(),
              [](const BundleMember& a, const BundleMember& b) { return compare_paths(a.path, b.path) < 0; });
    return std::move(bundle_);
  }

 private:
  bool hides_program() const { return request_.take == TakeLibraries::all; }
  std::string program_path() const {
    return (hides_program() ? std::string(hidden_program_dir) : "bin") + "/" + program_;
  }

  std::string source_of(const TreeMember& member) const {
    return member.path == "bin/" + program_ ? request_.interpreter.base_executable
                                            : request_.interpreter.base_prefix + "/" + member.path;
  }

  void list_tree() {
    tree_ = list_python_tree(request_.interpreter, request_.extent);
    for (TreeMember& member : tree_) {
      if (member.kind != 'f') continue;
      const std::string from = source_of(member);
      auto facts = read_object_at(from);
      if (member.path == "bin/" + program_) {
        if (!facts || facts->format != ObjectFacts::Format::elf) {
          throw Error(ErrorCode::unsupported, Place{from}, "is no ELF program",
                      "--with-python names the prefix of a Python, not a script that starts one");
        }
        loader_ = facts->interpreter;
        if (hides_program()) require_loader();
        member.path = program_path();
        sources_.emplace(member.path, from);
        // First: libraries are looked for that fit it.
        objects_.insert(objects_.begin(), {member.path, std::move(*facts), true});
      } else if (facts) {
        objects_.push_back({member.path, std::move(*facts), true});
      }
    }
    if (objects_.empty()) {
      throw Error(ErrorCode::unsupported, Place{request_.interpreter.base_prefix}, "has no bin/" + program_,
                  "name the prefix of a Python of its own: a standalone build, or a pyenv version");
    }
  }

  // The bundle's loader must be able to say another name than the program's.
  void require_loader() const {
    if (name_of(loader_).starts_with("ld-musl")) {
      throw Error(ErrorCode::unsupported, Place{request_.interpreter.base_executable},
                  "is built for musl, whose loader is not taken along",
                  "a musl system has what it needs: --system-libc");
    }
    if (loader_.empty()) return;
    const auto text = try_read_file(AT_FDCWD, loader_);
    if (text && text->find("--argv0") == std::string::npos) {
      throw Error(ErrorCode::unsupported, Place{loader_},
                  "is older than glibc 2.33, and cannot start a bundle",
                  "leave the C library to the target: --system-libc");
    }
  }

  void list_wheel_objects() {
    for (const FlatEntry& entry : flatten(plan_, {})) {
      const auto* file = std::get_if<StoreFile>(&entry.content);
      if (file == nullptr) continue;
      const WheelFacts& facts = plan_.dists[file->wheel].facts;
      const auto object = facts.object_of(file->file);
      if (!object) continue;
      ObjectFacts about = facts.object(*object);
      if (about.kind == ObjectFacts::Kind::executable) bundle_.programs.push_back(entry.path);
      objects_.push_back({entry.path, std::move(about), false});
    }
  }

  void find_libraries() {
    BundleLibraryRequest wanted;
    wanted.take = request_.take;
    wanted.tree_prefix = request_.interpreter.base_prefix;
    wanted.loader = loader_;
    const MachineLibraries machine;
    bundle_.libraries = find_bundle_libraries(
        objects_, wanted,
        [&](const std::string& name, const ObjectFacts& facts) { return machine.find(name, facts); });
    bundle_.edited = bundle_.libraries.rpaths.size();
  }

  void add(BundleMember member) {
    const std::string path = member.path;
    const BundleMember::Kind kind = member.kind;
    const auto [known, is_new] = members_.emplace(path, std::move(member));
    if (is_new) return;
    if (known->second.kind == BundleMember::Kind::directory && kind == BundleMember::Kind::directory) return;
    throw Error(ErrorCode::conflict, Place{path}, "is a file of a wheel and of the interpreter's tree",
                "leave the file out (--prune " + path + "), or the distribution (--exclude)");
  }

  std::optional<EditPlan> edit_of(const std::string& path, const std::string& from) const {
    const auto rpaths = bundle_.libraries.rpaths.find(path);
    if (rpaths == bundle_.libraries.rpaths.end()) return std::nullopt;
    return plan_edit(path, from, rpaths->second);
  }

  void add_tree() {
    std::map<std::string, std::string> files;
    for (const TreeMember& member : tree_) {
      if (member.kind == 'f') files.emplace(member.path, source_of(member));
    }
    for (const TreeMember& member : tree_) {
      BundleMember added{member.path, BundleMember::Kind::file, member.executable, member.target, {}, {}, {}};
      if (member.kind == 'd') {
        added.kind = BundleMember::Kind::directory;
      } else if (member.kind == 'l') {
        added.kind = BundleMember::Kind::symlink;
      } else if (member.path.ends_with(".pyc") && member.path.find("/__pycache__/") != std::string::npos) {
        added.bytes = byte_code_of(member.path, files);
        if (!added.bytes) continue;
      } else {
        const auto hidden = sources_.find(member.path);
        added.from = hidden != sources_.end() ? hidden->second : source_of(member);
        added.edit = edit_of(member.path, added.from);
      }
      add(std::move(added));
    }
  }

  // Times change in a bundle, so byte-code must not depend on them.
  std::optional<std::string> byte_code_of(const std::string& path,
                                          const std::map<std::string, std::string>& files) const {
    const std::string_view name = name_of(path);
    const std::string dir =
        path.substr(0, path.size() - name.size() - std::string_view("__pycache__/").size());
    const auto source = files.find(dir + std::string(name.substr(0, name.find('.'))) + ".py");
    if (source == files.end()) return std::nullopt;
    const auto status = try_stat(AT_FDCWD, source->second);
    if (!status) return std::nullopt;
    return settle_byte_code(read_file(AT_FDCWD, request_.interpreter.base_prefix + "/" + path),
                            read_file(AT_FDCWD, source->second), status->st_mtim.tv_sec);
  }

  void add_plan() {
    Plan plan = patch_entries(plan_, bundle_.libraries.rpaths);
    for (Entry& entry : plan.entries) {
      // The launcher with the program's settings takes the place of the plan's own, in RECORD too.
      if (entry.path.str() != start_path() || !std::holds_alternative<Generated>(entry.content)) continue;
      entry.content = Generated{launcher(request_.launcher)};
      starts_by_plan_ = true;
    }
    const Trees trees = store_trees(plan, store_);
    std::vector<std::optional<WrittenFile>> written(plan.entries.size());
    std::map<std::uint32_t, std::string> own;  // bytes that are no file of the store
    for (std::uint32_t i = 0; i < plan.entries.size(); ++i) {
      if (!has_own_bytes(plan.entries[i].content)) continue;
      std::string bytes(entry_bytes(plan, plan.entries[i], trees, nullptr).view());
      written[i] = WrittenFile{Sha256::of(bytes), bytes.size()};
      own.emplace(i, std::move(bytes));
    }
    for (const FlatEntry& entry : flatten(plan, written)) {
      if (entry.path.empty()) continue;
      BundleMember member{entry.path, BundleMember::Kind::file, entry.executable, entry.target, {}, {}, {}};
      if (entry.kind == FlatKind::directory) member.kind = BundleMember::Kind::directory;
      if (entry.kind == FlatKind::symlink) member.kind = BundleMember::Kind::symlink;
      if (const auto* file = std::get_if<StoreFile>(&entry.content)) {
        member.from = store_file(plan, *file, store_);
      } else if (const auto* record = std::get_if<RecordBytes>(&entry.content)) {
        member.bytes = record->bytes;
      } else if (std::holds_alternative<EntryBytes>(entry.content)) {
        member.bytes = own.at(*entry.entry);
      }
      add(std::move(member));
    }
  }

  std::string start_path() const { return request_.start.empty() ? std::string() : "bin/" + request_.start; }

  void add_libraries() {
    for (const TakenLibrary& library : bundle_.libraries.taken) {
      BundleMember member{library.path, BundleMember::Kind::file, false, {}, library.from, {}, {}};
      // A loader is a program.
      member.executable = name_of(library.path) == name_of(loader_);
      member.edit = edit_of(library.path, library.from);
      add(std::move(member));
    }
  }

  std::string launcher(LauncherConfig config) const {
    if (hides_program()) {
      const std::string libc = "../" + std::string(bundle_libc_dir);
      // Everything that the interpreter itself would get comes behind what its loader needs.
      std::vector<LauncherArgument> arguments{
          {ArgumentKind::text, "--library-path"},
          {ArgumentKind::path, libc},
          {ArgumentKind::text, "--argv0"},
          {ArgumentKind::path, program_},
          {ArgumentKind::path, "../" + program_path()},
      };
      arguments.insert(arguments.end(), config.arguments.begin(), config.arguments.end());
      config.interpreters = {libc + "/" + std::string(name_of(loader_))};
      config.arguments = std::move(arguments);
    }
    return render_native_launcher(request_.interpreter.arch, config);
  }

  void add_launcher(const std::string& path, const LauncherConfig& config) {
    add({path, BundleMember::Kind::file, true, {}, {}, launcher(config), {}});
  }

  void add_launchers() {
    if (hides_program()) add_launcher("bin/" + program_, interpreter_launcher(request_.interpreter));
    if (!request_.start.empty() && !starts_by_plan_) add_launcher(start_path(), request_.launcher);
  }

  void add_parents() {
    std::vector<std::string> paths;
    for (const auto& [path, member] : members_) paths.push_back(path);
    for (const std::string& path : paths) {
      for (std::size_t slash = path.rfind('/'); slash != std::string::npos;
           slash = path.rfind('/', slash - 1)) {
        const std::string parent = path.substr(0, slash);
        const auto [known, is_new] = members_.emplace(
            parent, BundleMember{parent, BundleMember::Kind::directory, false, {}, {}, {}, {}});
        if (!is_new && known->second.kind == BundleMember::Kind::directory) break;
        if (!is_new) {
          throw Error(ErrorCode::conflict, Place{parent}, "is a file here and a directory there",
                      "leave one of them out (--exclude, --prune)");
        }
      }
    }
  }

  const BundleRequest& request_;
  const Plan& plan_;
  const Store& store_;
  std::string program_;
  std::string loader_;
  bool starts_by_plan_ = false;
  std::vector<TreeMember> tree_;
  std::vector<BundleObject> objects_;
  std::map<std::string, std::string> sources_;  // of what lies elsewhere in the bundle than in the tree
  std::map<std::string, BundleMember> members_;
  Bundle bundle_;
};

}  // namespace

std::string program_name(const Interpreter& interpreter) {
  return "python" + short_version(interpreter) + (interpreter.free_threaded ? "t" : "");
}

LauncherConfig interpreter_launcher(const Interpreter& interpreter) {
  LauncherConfig config;
  config.interpreters = {program_name(interpreter)};
  return config;
}

Bundle make_bundle(const BundleRequest& request, const Plan& plan, const Store& store) {
  return BundleMaker(request, plan, store).make();
}

}  // namespace axle
