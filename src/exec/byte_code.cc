#include "exec/byte_code.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <unordered_set>

#include "axle/base/error.h"
#include "axle/wheel/facts_builder.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/parallel.h"
#include "base/text.h"
#include "exec/damage.h"
#include "exec/python_compiler.h"
#include "store/publish.h"
#include "store/scratch.h"
#include "store/store_impl.h"

namespace axle {
namespace {

constexpr std::int64_t second_ns = 1'000'000'000;
constexpr std::uint64_t max_source = 64U << 20;
constexpr std::uint64_t task_bytes = 256U << 10;

// Processes of the interpreter, each used by one thread at a time.
class CompilerPool {
 public:
  explicit CompilerPool(const Interpreter& interpreter) : interpreter_(interpreter) {}

  std::unique_ptr<PythonCompiler> take() {
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        auto taken = std::move(idle_.back());
        idle_.pop_back();
        return taken;
      }
    }
    return std::make_unique<PythonCompiler>(interpreter_);
  }
  void give_back(std::unique_ptr<PythonCompiler> compiler) {
    if (!compiler->is_alive()) return;
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(compiler));
  }

 private:
  const Interpreter& interpreter_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<PythonCompiler>> idle_;
};

const std::string& executable_of(const Interpreter& interpreter) {
  return interpreter.base_executable.empty() ? interpreter.executable : interpreter.base_executable;
}

void require_runnable(const Interpreter& interpreter) {
  const std::string& executable = executable_of(interpreter);
  // Byte-code that names its source by hash: PEP 552.
  if (python_minor(interpreter.version) < PythonMinor{3, 7}) {
    throw Error(ErrorCode::unsupported, Place{executable}, "--compile needs Python 3.7 or newer",
                "leave out --compile");
  }
  const bool is_name = !interpreter.cache_tag.empty() && interpreter.cache_tag.find('/') == std::string::npos;
  if (!interpreter.foreign && is_name && access(executable.c_str(), X_OK) == 0) return;
  throw Error(ErrorCode::unsupported, Place{executable},
              "--compile needs the interpreter of the environment, and it cannot run here",
              "leave out --compile, and run python -m compileall on the target");
}

// The first bytes of this interpreter's byte-code. It is asked once; the answer is kept under its file's
// identity, so that an environment whose byte-code is ready runs no Python.
std::string find_magic(const Store& store, const Interpreter& interpreter, CompilerPool& pool) {
  const std::string& executable = executable_of(interpreter);
  const auto status = try_stat(AT_FDCWD, executable);
  if (!status) throw_errno("cannot find", executable);
  const std::string identity = std::to_string(status->st_ino) + " " + std::to_string(status->st_size) + " " +
                               std::to_string(mtime_ns(*status)) + " " + interpreter.cache_tag + " ";
  const std::string path = "interpreters/" + Sha256::of(executable).hex();
  if (const auto known = try_read_file(store.root().get(), path, 4096);
      known && known->starts_with(identity)) {
    const std::string_view hex = trim(std::string_view(*known).substr(identity.size()));
    if (hex.size() == 8) return std::string(hex);
  }
  auto compiler = pool.take();
  std::string hex = to_hex(compiler->magic());
  pool.give_back(std::move(compiler));
  make_dir(store.root().get(), "interpreters");
  replace_stored(store.root(), path, identity + hex + "\n");
  return hex;
}

bool is_module(const FileFact& file) {
  return file.has(file_flag::python) && !file.has(file_flag::dist_info);
}

// Patch releases and debug builds may compile differently, so each has byte-code of its own: what an
// environment holds must not depend on what was compiled before.
Sha256 store_id_of(const WheelFacts& wheel, const Interpreter& interpreter, const std::string& magic) {
  return Sha256::of("axle byte-code 1\n" + wheel.wheel_sha256().hex() + "\n" + interpreter.implementation +
                    "\n" + interpreter.implementation_version + "\n" + interpreter.version + "\n" +
                    interpreter.abi + "\n" + interpreter.cache_tag + "\n" + magic + "\n");
}

struct Source {
  std::uint32_t file = 0;
  std::string pyc_path;  // below the scheme's root
  FileInput pyc;         // when it compiled
  std::string fault;     // when it did not
};

// One wheel whose byte-code is being made.
struct Work {
  std::size_t index = 0;  // among the wheels asked for
  WheelFacts wheel;
  Sha256 store_id;
  std::unique_ptr<ScratchDirectory> staging;
  Fd from;  // its tree in the store
  Fd tree;  // the one in the making
  std::vector<Source> sources;
};

std::string staged(Scheme scheme, std::string_view below) {
  return std::string(tree_prefix(scheme)) + (below.empty() ? "" : "/" + std::string(below));
}

[[noreturn]] void store_is_damaged(const std::string& path) {
  throw Error(ErrorCode::integrity, Place{path}, "is missing in the store",
              "axle store verify --repair removes damaged wheels; the next run unpacks them anew");
}

void bring_file(const Work& work, const std::string& path, const FileFact& file) {
  const auto from = try_lstat(work.from.get(), path);
  if (!from) store_is_damaged(path);
  if (!looks_unpacked(*from, file)) {
    throw Error(ErrorCode::integrity, Place{path}, "was changed in the store",
                "axle store verify --repair removes damaged wheels; the next run unpacks them anew");
  }
  if (linkat(work.from.get(), path.c_str(), work.tree.get(), path.c_str(), 0) == 0) return;
  if (errno == ENOENT) store_is_damaged(path);
  if (errno != EMLINK && errno != EPERM && errno != EOPNOTSUPP) throw_errno("cannot link", path);
  const MappedFile content = MappedFile::open(work.from.get(), path);
  create_file(work.tree.get(), path, content.bytes(), {from->st_mode & 0777, file.mtime * second_ns});
}

// Everything but the byte-code; finds out what is to be compiled.
void begin(Work& work, const Store& store, const Interpreter& interpreter) {
  const std::string from = Store::tree_path(work.wheel.store_id());
  auto tree = try_open_dir(store.root().get(), from);
  if (!tree) store_is_damaged(from);
  work.from = std::move(*tree);
  work.staging = std::make_unique<ScratchDirectory>(store.root(), "compile");
  make_dir(work.staging->fd(), "tree");
  work.tree = open_dir(work.staging->fd(), "tree");
  std::unordered_set<std::string> dirs;
  std::unordered_set<std::string> modules;
  const auto make = [&](const std::string& path) {
    if (!dirs.insert(path).second) return;
    if (mkdirat(work.tree.get(), path.c_str(), 0755) != 0) throw_errno("cannot create directory", path);
  };
  const std::span<const DirFact> all = work.wheel.dirs();
  for (std::uint32_t index = 0; index < all.size(); ++index) {
    throw_if_interrupted();
    const DirFact& dir = all[index];
    const std::string below = work.wheel.dir_path(index);
    const std::string path = staged(dir.scheme, below);
    make(path);
    for (const FileFact& file : work.wheel.files_in(dir)) {
      const std::string_view name = work.wheel.name(file);
      bring_file(work, path + "/" + std::string(name), file);
      if (!is_lib(dir.scheme) || !is_module(file)) continue;
      modules.insert(path);
      const std::string pyc = (below.empty() ? "" : below + "/") + "__pycache__/" +
                              std::string(name.substr(0, name.size() - 2)) + interpreter.cache_tag + ".pyc";
      // What a wheel brings itself is kept.
      if (work.wheel.find(dir.scheme, pyc)) continue;
      work.sources.push_back({work.wheel.index_of(file), pyc, {}, {}});
    }
  }
  for (const Source& source : work.sources) {
    const Scheme scheme = work.wheel.scheme_of(work.wheel.file(source.file));
    make(staged(scheme, source.pyc_path.substr(0, source.pyc_path.rfind('/'))));
  }
  if (store.use() == StoreUse::shared) block_byte_code(work.tree, modules, dirs);
  work.from = Fd();
}

void compile_one(const Work& work, Source& source, PythonCompiler& compiler, StoreUse use) {
  const FileFact& file = work.wheel.file(source.file);
  const Scheme scheme = work.wheel.scheme_of(file);
  const std::string name = work.wheel.path_of(source.file);
  if (file.size > max_source) {
    source.fault = "is larger than " + std::to_string(max_source >> 20) + " MiB";
    return;
  }
  const auto content = MappedFile::try_open(work.tree.get(), staged(scheme, name));
  if (!content) store_is_damaged(name);
  Compiled compiled = compiler.compile(name, content->bytes());
  source.fault = std::move(compiled.fault);
  if (!source.fault.empty()) return;
  create_file(work.tree.get(), staged(scheme, source.pyc_path), compiled.pyc,
              {use == StoreUse::shared ? 0444U : 0644U, file.mtime * second_ns});
  source.pyc = {compiled.pyc.size(), Sha256::of(compiled.pyc), 0, file.mtime};
}

WheelFacts finish(Work& work, const Store& store, const Interpreter& interpreter) {
  FactsBuilder builder = FactsBuilder::from(work.wheel);
  builder.byte_code(interpreter.cache_tag + " " + interpreter.version, work.store_id);
  for (const Source& source : work.sources) {
    const Scheme scheme = work.wheel.scheme_of(work.wheel.file(source.file));
    if (source.fault.empty()) {
      builder.file(scheme, source.pyc_path, source.pyc);
      continue;
    }
    // A directory in which nothing compiled is as without byte-code.
    const std::string dir = staged(scheme, source.pyc_path.substr(0, source.pyc_path.rfind('/')));
    if (unlinkat(work.tree.get(), dir.c_str(), AT_REMOVEDIR) == 0 && store.use() == StoreUse::shared)
      symlink_at("/dev/null", work.tree.get(), dir);
  }
  WheelFacts facts = builder.build();
  create_file(work.staging->fd(), "facts", facts.bytes(), {0644, std::nullopt});
  publish(store.root(), *work.staging, wheel_dir(work.store_id), facts.bytes());
  return facts;
}

struct Task {
  Work* work;
  std::size_t first;
  std::size_t last;
  std::uint64_t bytes;
};

std::vector<Task> cut(std::span<Work> works) {
  std::vector<Task> tasks;
  for (Work& work : works) {
    std::uint64_t bytes = 0;
    std::size_t first = 0;
    for (std::size_t i = 0; i < work.sources.size(); ++i) {
      bytes += work.wheel.file(work.sources[i].file).size;
      if (bytes < task_bytes && i + 1 < work.sources.size()) continue;
      tasks.push_back({&work, first, i + 1, bytes});
      first = i + 1;
      bytes = 0;
    }
  }
  std::stable_sort(tasks.begin(), tasks.end(),
                   [](const Task& a, const Task& b) { return a.bytes > b.bytes; });
  return tasks;
}

void compile_all(std::span<Work> works, StoreUse use, unsigned jobs, CompilerPool& pool) {
  const std::vector<Task> tasks = cut(works);
  parallel_for(tasks.size(), jobs, [&](std::size_t i) {
    auto compiler = pool.take();
    for (std::size_t k = tasks[i].first; k < tasks[i].last; ++k) {
      if (!compiler->is_alive()) compiler = pool.take();
      compile_one(*tasks[i].work, tasks[i].work->sources[k], *compiler, use);
    }
    pool.give_back(std::move(compiler));
  });
}

}  // namespace

std::vector<WheelFacts> with_byte_code(const std::vector<WheelFacts>& wheels, const Store& store,
                                       const Interpreter& interpreter, unsigned jobs, Diagnostics& notes) {
  require_runnable(interpreter);
  CompilerPool pool(interpreter);
  const std::string magic = find_magic(store, interpreter, pool);
  std::vector<WheelFacts> result = wheels;
  std::vector<Work> works;
  for (std::size_t i = 0; i < wheels.size(); ++i) {
    const std::span<const FileFact> files = wheels[i].files();
    if (std::none_of(files.begin(), files.end(), is_module)) continue;
    const Sha256 store_id = store_id_of(wheels[i], interpreter, magic);
    if (auto known = store.find(store_id)) {
      result[i] = *std::move(known);
      continue;
    }
    works.emplace_back();
    works.back().index = i;
    works.back().wheel = wheels[i];
    works.back().store_id = store_id;
  }
  if (works.empty()) return result;

  remove_abandoned(store.root());
  const ExactModes exact;
  // Each wheel in the making keeps directories open.
  constexpr std::size_t batch = 128;
  for (std::size_t first = 0; first < works.size(); first += batch) {
    const std::span<Work> some = std::span(works).subspan(first, std::min(batch, works.size() - first));
    parallel_for(some.size(), jobs, [&](std::size_t i) { begin(some[i], store, interpreter); });
    compile_all(some, store.use(), jobs, pool);
    parallel_for(some.size(), jobs, [&](std::size_t i) {
      result[some[i].index] = finish(some[i], store, interpreter);
      some[i].staging.reset();
      some[i].tree = Fd();
    });
  }
  for (const Work& work : works) {
    for (const Source& source : work.sources) {
      if (source.fault.empty()) continue;
      notes.push_back({Severity::note, "not-compiled", std::string(work.wheel.normalized()),
                       work.wheel.path_of(source.file), "has no byte-code: " + source.fault, ""});
    }
  }
  return result;
}

}  // namespace axle
