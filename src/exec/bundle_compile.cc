// Byte-code of a whole bundle: the standard library and the packages.

#include <dirent.h>
#include <fcntl.h>

#include <algorithm>
#include <atomic>

#include "axle/base/error.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/parallel.h"
#include "exec/bundle.h"
#include "exec/python_compiler.h"

namespace axle {
namespace {

constexpr int max_depth = 256;
constexpr std::uint64_t max_source = 64U << 20;

struct Module {
  std::string path;
  std::string fault;  // why it has no byte-code
};

void find_modules(int root, const std::string& dir, std::vector<Module>& modules, int depth) {
  if (depth > max_depth) throw Error(ErrorCode::io, Place{dir}, "has too many directories in one another");
  for (const DirEntry& entry : list_dir(root, dir)) {
    const std::string path = dir + "/" + entry.name;
    if (entry.type == DT_DIR) find_modules(root, path, modules, depth + 1);
    if (entry.type == DT_REG && entry.name.ends_with(".py")) modules.push_back({path, {}});
  }
}

class Compilation {
 public:
  Compilation(int root, const Interpreter& interpreter, std::int64_t mtime)
      : root_(root), interpreter_(interpreter), mtime_(mtime) {}

  // What could not be compiled, a line each.
  std::string run(const std::string& library, unsigned jobs) {
    find_modules(root_, library, modules_, 0);
    std::sort(modules_.begin(), modules_.end(),
              [](const Module& a, const Module& b) { return a.path < b.path; });
    for (const Module& module : modules_) make_dir(root_, cache_of(module));
    parallel_for(jobs, jobs, [&](std::size_t) {
      try {
        compile_some();
      } catch (...) {
        next_ = modules_.size();  // nobody begins another one
        throw;
      }
    });
    std::string faults;
    for (const Module& module : modules_) {
      if (!module.fault.empty()) faults += module.path + ": " + module.fault + "\n";
      // Where nothing compiled there is no directory either.
      remove_dir_if_empty(root_, cache_of(module));
    }
    return faults;
  }

 private:
  static std::string cache_of(const Module& module) {
    return module.path.substr(0, module.path.rfind('/')) + "/__pycache__";
  }

  void compile_some() {
    std::optional<PythonCompiler> compiler;
    for (std::size_t i = next_++; i < modules_.size(); i = next_++) {
      throw_if_interrupted();
      // One that a source brought down is not asked again.
      if (!compiler || !compiler->is_alive()) compiler.emplace(interpreter_);
      compile(modules_[i], *compiler);
    }
  }

  void compile(Module& module, PythonCompiler& compiler) const {
    constexpr std::int64_t second_ns = 1'000'000'000;
    const MappedFile source = MappedFile::open(root_, module.path);
    if (source.bytes().size() > max_source) {
      module.fault = "is larger than " + std::to_string(max_source >> 20) + " MiB";
      return;
    }
    Compiled compiled = compiler.compile(module.path, source.bytes());
    module.fault = std::move(compiled.fault);
    if (!module.fault.empty()) return;
    const std::string name = module.path.substr(module.path.rfind('/') + 1);
    const std::string pyc =
        cache_of(module) + "/" + name.substr(0, name.size() - 2) + interpreter_.cache_tag + ".pyc";
    unlink_at(root_, pyc);
    create_file(root_, pyc, compiled.pyc, {0644, mtime_ * second_ns});
  }

  const int root_;
  const Interpreter& interpreter_;
  const std::int64_t mtime_;
  std::vector<Module> modules_;
  std::atomic<std::size_t> next_{0};
};

}  // namespace

std::optional<std::string> compile_bundle(const std::string& path, const Interpreter& interpreter,
                                          const std::string& library, const BundleCompile& how) {
  const ExactModes exact;
  Interpreter own = interpreter;
  own.executable = path + "/bin/" + how.program;
  own.base_executable.clear();
  const Fd root = open_dir(AT_FDCWD, path);
  const std::string faults = Compilation(root.get(), own, how.mtime).run(library, how.jobs);
  set_bundle_times(root.get(), how.mtime);
  if (faults.empty()) return std::nullopt;
  return faults;
}

}  // namespace axle
