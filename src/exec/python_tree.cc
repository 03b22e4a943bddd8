#include "exec/python_tree.h"

#include <dirent.h>
#include <fcntl.h>

#include <algorithm>

#include "axle/base/digest.h"
#include "axle/base/error.h"
#include "axle/base/rel_path.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/text.h"

namespace axle {
namespace {

constexpr int max_depth = 64;
constexpr std::size_t header_size = 16;  // of a .pyc since 3.7

bool starts_with_any(std::string_view text, std::initializer_list<std::string_view> starts) noexcept {
  return std::any_of(starts.begin(), starts.end(),
                     [&](std::string_view start) { return text.starts_with(start); });
}
bool is_any(std::string_view text, std::initializer_list<std::string_view> names) noexcept {
  return std::find(names.begin(), names.end(), text) != names.end();
}

class TreeLister {
 public:
  TreeLister(const Interpreter& interpreter, TreeExtent extent)
      : interpreter_(interpreter),
        whole_(extent == TreeExtent::whole),
        root_(open_dir(AT_FDCWD, interpreter.base_prefix)),
        lib_("lib/" + lib_name(interpreter)),
        program_("python" + short_version(interpreter) + (interpreter.free_threaded ? "t" : "")) {}

  std::vector<TreeMember> list() {
    if (!try_lstat(root_.get(), lib_ + "/os.py")) {
      throw Error(ErrorCode::unsupported, Place{interpreter_.base_prefix},
                  "holds no " + lib_ + ", the standard library of Python " + interpreter_.version,
                  "name the prefix of a Python of its own: a standalone build, or a pyenv version");
    }
    if (interpreter_.base_prefix == "/usr" || interpreter_.base_prefix == "/") {
      throw Error(ErrorCode::unsupported, Place{interpreter_.base_prefix},
                  "is the system's own tree, and cannot be taken along",
                  "name the prefix of a Python of its own: a standalone build, or a pyenv version");
    }
    add_directory("bin");
    add_file("bin/" + program_, interpreter_.base_executable);
    for (const std::string& name : {std::string("python"), std::string("python3")}) {
      if (name == program_) continue;
      members_.push_back({"bin/" + name, 'l', false, 0, program_});
    }
    add_directory("lib");
    add_shared_libraries();
    walk(lib_, 0);
    if (whole_) {
      for (const char* other : {"include", "share"}) {
        if (try_open_dir(root_.get(), other)) walk(other, 0);
      }
    }
    std::sort(members_.begin(), members_.end(),
              [](const TreeMember& a, const TreeMember& b) { return compare_paths(a.path, b.path) < 0; });
    return std::move(members_);
  }

 private:
  void add_directory(const std::string& path) { members_.push_back({path, 'd', false, 0, {}}); }

  void add_file(const std::string& path, const std::string& from) {
    const auto status = try_stat(AT_FDCWD, from);
    if (!status || !S_ISREG(status->st_mode)) return;
    members_.push_back(
        {path, 'f', (status->st_mode & 0100) != 0, static_cast<std::uint64_t>(status->st_size), {}});
  }

  // libpythonX.Y.so.1.0 and what else a standalone build has beside it.
  void add_shared_libraries() {
    for (const DirEntry& entry : list_dir(root_.get(), "lib")) {
      if (entry.type == DT_DIR || entry.name.find(".so") == std::string::npos) continue;
      const bool is_tk = starts_with_any(entry.name, {"libtcl", "libtk"});
      if (is_tk && !whole_) continue;
      const std::string path = "lib/" + entry.name;
      // A link to the file beside it would be a second copy; nothing is started by that name.
      if (entry.type == DT_LNK) {
        const std::string target = read_link(root_.get(), path);
        if (target.find('/') == std::string::npos) {
          members_.push_back({path, 'l', false, 0, target});
          continue;
        }
      }
      add_file(path, interpreter_.base_prefix + "/" + path);
    }
  }

  bool leaves_out_directory(const std::string& path, std::string_view name) const {
    if (name == "site-packages" && path == lib_ + "/site-packages") return true;
    if (whole_) return false;
    if (path.starts_with(lib_ + "/config-")) return true;
    if (is_any(name, {"test", "tests", "idle_test"})) return true;
    return is_any(path, {lib_ + "/idlelib", lib_ + "/tkinter", lib_ + "/turtledemo", lib_ + "/ensurepip",
                         lib_ + "/lib2to3"});
  }

  bool leaves_out_file(const std::string& path, std::string_view name) const {
    if (name.ends_with(".opt-1.pyc") || name.ends_with(".opt-2.pyc")) return true;
    if (whole_) return false;
    if (path == lib_ + "/turtle.py") return true;
    // Modules of the interpreter's own tests, and Tk's.
    return path.starts_with(lib_ + "/lib-dynload/") &&
           starts_with_any(name,
                           {"_tkinter.", "_test", "_ctypes_test.", "_xxtest", "xxlimited", "xxsubtype"});
  }

  void walk(const std::string& dir, int depth) {
    if (depth > max_depth) throw Error(ErrorCode::io, Place{dir}, "has too many directories in one another");
    add_directory(dir);
    for (const DirEntry& entry : list_dir(root_.get(), dir)) {
      const std::string path = dir + "/" + entry.name;
      if (rel_path_fault(path) != nullptr) continue;  // nothing that Python imports is called so
      const auto status = try_stat(root_.get(), path);
      if (!status) continue;
      if (S_ISDIR(status->st_mode)) {
        // A directory that is a link may lead anywhere, back up included.
        if (entry.type != DT_LNK && !leaves_out_directory(path, entry.name)) walk(path, depth + 1);
      } else if (S_ISREG(status->st_mode) && !leaves_out_file(path, entry.name)) {
        add_file(path, interpreter_.base_prefix + "/" + path);
      }
    }
  }

  const Interpreter& interpreter_;
  bool whole_;
  Fd root_;
  std::string lib_;
  std::string program_;
  std::vector<TreeMember> members_;
};

std::uint32_t number_at(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 4; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

}  // namespace

std::vector<TreeMember> list_python_tree(const Interpreter& interpreter, TreeExtent extent) {
  return TreeLister(interpreter, extent).list();
}

// spec: PEP 552. Byte 4: bit 0 says that a hash of the source follows instead of time and size, bit 1 that it
// is to be compared. Without bit 1 the hash is only kept.
std::optional<std::string> settle_byte_code(std::string_view byte_code, std::string_view source,
                                            std::int64_t source_mtime) {
  if (byte_code.size() < header_size) return std::nullopt;
  const std::uint32_t flags = number_at(byte_code, 4);
  if ((flags & 1) != 0) return std::string(byte_code);
  if (flags != 0 || number_at(byte_code, 8) != static_cast<std::uint32_t>(source_mtime) ||
      number_at(byte_code, 12) != static_cast<std::uint32_t>(source.size())) {
    return std::nullopt;
  }
  std::string settled(byte_code);
  settled[4] = 1;
  const Sha256 digest = Sha256::of(source);
  for (std::size_t i = 0; i < 8; ++i) settled[8 + i] = static_cast<char>(digest.bytes[i]);
  return settled;
}

}  // namespace axle
